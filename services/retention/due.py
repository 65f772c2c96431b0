"""Find what has expired in a season."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, select

from models import tables
from models.cases.states import ENDED
from models.dates.milestones import SeasonDates
from models.programme.retention import LEAST_DAYS_KEPT, Retention
from models.store.engine import reading
from services.retention.addresses import ADDRESSES
from services.retention.cases import FORMS, REASONS
from services.retention.classes import ExpiringClass, Scope
from services.retention.messages import MESSAGES
from services.retention.views import WORDS, ClassDue
from services.retention.webhooks import WEBHOOKS
from services.seasons.queries import read_programme

CLASSES: Mapping[str, ExpiringClass] = {
    "forms": FORMS,
    "reasons": REASONS,
    "messages": MESSAGES,
    "webhooks": WEBHOOKS,
    "addresses": ADDRESSES,
}
"""The classes of `models.programme.retention.Retention`, by their names there."""


def due(engine: Engine, now: datetime, season: str | None = None) -> list[ClassDue]:
    """Return how much of each class is due, in one season or in all.

    Raises:
        Refused: `unknown_season`, or `programme_invalid`: its retention is too short.
    """
    seasons = tables.season.c
    every = select(seasons.id).order_by(seasons.opened_at)
    with reading(engine) as connection:
        wanted = [season] if season is not None else connection.scalars(every).all()
        return [
            _due(connection, each, name, now) for each in wanted for name in Retention.model_fields
        ]


def read_scope(connection: Connection, season: str, name: str, now: datetime) -> tuple[int, Scope]:
    """Return for how many days a class is kept in a season, and what has expired by now.

    Raises:
        Refused: As `due` does.
    """
    kept = read_programme(connection, season).retention
    days: int = getattr(kept, name)
    return days, Scope(season, before(days, now), _read_end(connection, season))


def before(days: int, now: datetime) -> datetime:
    """Return the latest instant from which the days of expired data may count.

    Whatever the programme on record says, never less than `LEAST_DAYS_KEPT` days ago.
    """
    return now - timedelta(days=max(days, LEAST_DAYS_KEPT))


def _due(connection: Connection, season: str, name: str, now: datetime) -> ClassDue:
    days, scope = read_scope(connection, season, name, now)
    rows = CLASSES[name].due(scope).subquery()
    query = select(func.count().label("due"), func.min(rows.c.moment).label("oldest"))
    found = connection.execute(query.select_from(rows)).one()
    return ClassDue(season=season, name=name, days=days, due=found.due, oldest=found.oldest,
                    **WORDS[name]._asdict())  # fmt: skip


def _read_end(connection: Connection, season: str) -> datetime | None:
    """Return when a season and its last case ended; None while a case is open."""
    cases, seasons = tables.case_record.c, tables.season.c
    of_season = select(cases.id).where(cases.season_id == season)
    still_open = of_season.where(cases.state.not_in(ENDED)).limit(1)
    if connection.scalar(still_open) is not None:
        return None
    query = select(seasons.milestones, seasons.anchor, seasons.seconds_per_day)
    row = connection.execute(query.where(seasons.id == season)).one()
    dates = SeasonDates.of(row.milestones, row.anchor, row.seconds_per_day)
    newest = select(func.max(cases.since)).where(cases.season_id == season)
    last: datetime | None = connection.scalar(newest)
    return max([*dates.milestones.values(), *([] if last is None else [last])])
