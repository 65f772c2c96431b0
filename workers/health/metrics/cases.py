"""Metrics of the cases: transitions, states, deadlines, reminders, working days."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Connection, Row, func, select

from models.cases.actions.names import Action
from models.cases.agenda import AT_DEADLINE, Agenda, plan
from models.cases.states import ENDED, State
from models.dates.pace import Pace
from models.store.engine import reading
from models.tables import CaseRecord, Season, Transition, table_of
from services.dates.working_days import uncovered
from workers.health.metrics.sources import MetricSources, counts, gauge

_CASES, _STEPS, _SEASONS = table_of(CaseRecord).c, table_of(Transition).c, table_of(Season).c
_AWAITED = (_CASES.state.not_in([*ENDED]), _CASES.overdue.is_(False))
"""Cases whose deadline lies ahead, or was not acted on yet."""


def steps(sources: MetricSources) -> Iterator[Metric]:
    """Count the transitions, and the cases in each state."""
    done = CounterMetricFamily(
        "tuixuan_case_transitions", "Transitions on record.", labels=["action"]
    )
    stand = GaugeMetricFamily("tuixuan_cases", "Cases in each state.", labels=["state"])
    with reading(sources.record) as connection:
        actions, states = counts(connection, _STEPS.action), counts(connection, _CASES.state)
    for action in Action:
        done.add_metric([action], actions.get((action,), 0))
    for state in State:
        stand.add_metric([state], states.get((state,), 0))
    yield done
    yield stand


def deadlines(sources: MetricSources) -> Iterator[Metric]:
    """Report how late the system itself is, and how many reminders lie ahead."""
    now = datetime.now(UTC)
    with reading(sources.record) as connection:
        oldest = connection.scalar(select(func.min(_CASES.deadline)).where(*_AWAITED))
        planned = _reminders_ahead(sources, connection, now)
    late = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield gauge("deadline_lateness_seconds", "Age of the oldest deadline not acted on.", late)
    yield gauge("reminders_planned", "Reminders ahead of all open cases.", planned)


def calendar(sources: MetricSources) -> Iterator[Metric]:
    """Count the years with deadlines whose working days are missing."""
    missing = len(uncovered(sources.record))
    yield gauge("calendar_years_missing", "Years with deadlines and no calendar.", missing)


def _reminders_ahead(sources: MetricSources, connection: Connection, now: datetime) -> int:
    """Count the reminders; cases with the same deadline are planned once."""
    columns = (_CASES.season_id, _CASES.deadline, _SEASONS.anchor, _SEASONS.seconds_per_day)
    query = (
        select(*columns, func.count().label("cases"))
        .join_from(table_of(CaseRecord), table_of(Season))
        .where(*_AWAITED, _CASES.deadline > now)
        .group_by(*columns)
    )
    found = 0
    for row in connection.execute(query).all():
        agenda = _agenda(sources, connection, row, now)
        found += row.cases * sum(item.offset != AT_DEADLINE for item in agenda.items)
    return found


def _agenda(sources: MetricSources, connection: Connection, row: Row[Any], now: datetime) -> Agenda:
    cache = sources.cache
    return plan(
        row.deadline,
        now,
        reminders=cache.programme(connection, row.season_id).reminders,
        working_days=cache.working_days(connection),
        pace=Pace(anchor=row.anchor, seconds_per_day=row.seconds_per_day),
    )
