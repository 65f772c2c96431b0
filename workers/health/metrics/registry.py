"""What a worker counts for Prometheus: read from the record when it is asked, never kept.

So a restart loses no count and no worker has to remember to count. Each fact is told by
one role alone, so that sums over processes are right. No id is ever a label.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Column, ColumnElement, Connection, Engine, func, select

from models.cases.actions.names import Action, EventName
from models.cases.agenda import AT_DEADLINE, plan
from models.cases.states import ENDED, State
from models.dates.pace import Pace
from models.notifications.delivery import Channel, DeliveryStatus
from models.store.engine import reading
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import EVENTS
from models.tables import (
    AuditEntryRow,
    CaseRecord,
    Delivery,
    InboxMessage,
    Outbox,
    Season,
    Transition,
    table_of,
)
from models.tables.audit import AuditChainRow
from models.tables.repair import DeadLetter, ReconcileRun
from models.tables.webhooks import WebhookDelivery, WebhookEndpoint
from models.webhooks.status import EndpointStatus, WebhookStatus
from services.audit.chain import AnchorHeight
from services.audit.signing import DigestFile
from services.dates.working_days import uncovered
from services.seasons.cache import SeasonCache
from services.stream.events import backlog
from workers.logs.setup import app_version
from workers.settings.worker import WorkerSettings
from workers.stream.connection import CONSUMERS, connect

NATS_PATIENCE = 2.0
"""Seconds for all questions to JetStream of one scrape."""

_CASES, _STEPS = table_of(CaseRecord).c, table_of(Transition).c
_SEASONS = table_of(Season).c
_MESSAGES, _DELIVERIES = table_of(InboxMessage).c, table_of(Delivery).c
_WEBHOOKS, _ENDPOINTS = table_of(WebhookDelivery).c, table_of(WebhookEndpoint).c
_LETTERS, _RUNS = table_of(DeadLetter).c, table_of(ReconcileRun).c
_OUTBOX, _AUDIT, _DEEDS = table_of(Outbox).c, table_of(AuditChainRow).c, table_of(AuditEntryRow).c

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MetricSources:
    """What metrics are read from: the settings, the record, the audit's store, its anchors."""

    settings: WorkerSettings
    record: Engine
    audit: Engine
    anchored: AnchorHeight
    cache: SeasonCache = field(default_factory=SeasonCache)


type Read = Callable[[MetricSources], Iterable[Metric]]


def steps(sources: MetricSources) -> Iterator[Metric]:
    """Tell how many transitions there were, and where the cases stand."""
    done = CounterMetricFamily(
        "tuixuan_case_transitions", "Transitions on record.", labels=["action"]
    )
    stand = GaugeMetricFamily("tuixuan_cases", "Cases in each state.", labels=["state"])
    with reading(sources.record) as connection:
        counts, states = _counts(connection, _STEPS.action), _counts(connection, _CASES.state)
    for action in Action:
        done.add_metric([action], counts.get((action,), 0))
    for state in State:
        stand.add_metric([state], states.get((state,), 0))
    yield done
    yield stand


def deadlines(sources: MetricSources) -> Iterator[Metric]:
    """Tell how late the system itself is, and which reminders lie ahead."""
    now = datetime.now(UTC)
    awaits = (_CASES.state.not_in([*ENDED]), _CASES.overdue.is_(False))
    with reading(sources.record) as connection:
        oldest = connection.scalar(select(func.min(_CASES.deadline)).where(*awaits))
        planned = _reminders_ahead(sources, connection, now)
    late = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield _gauge("deadline_lateness_seconds", "Age of the oldest deadline not acted on.", late)
    yield _gauge("reminders_planned", "Reminders ahead of all open cases.", planned)


def calendar(sources: MetricSources) -> Iterator[Metric]:
    """Tell how many years with deadlines lack their working days."""
    missing = len(uncovered(sources.record))
    yield _gauge("calendar_years_missing", "Years with deadlines and no calendar.", missing)


def outbox(sources: MetricSources) -> Iterator[Metric]:
    """Tell what the relay has still to publish."""
    waits = backlog(sources.record, datetime.now(UTC))
    yield _gauge("outbox_waiting", "Events not yet on the stream.", waits.waiting)
    yield _gauge("outbox_oldest_age_seconds", "Age of the oldest one.", waits.oldest_seconds)


def lag(sources: MetricSources) -> Iterator[Metric]:
    """Tell how far each consumer is behind; one that nobody made yet is left out."""
    ahead = GaugeMetricFamily(
        "tuixuan_consumer_lag_messages", "Messages not yet delivered.", labels=["consumer"]
    )
    open_ = GaugeMetricFamily(
        "tuixuan_consumer_ack_pending", "Messages delivered and not answered.", labels=["consumer"]
    )
    for consumer, (waiting, unanswered) in asyncio.run(_ask(sources.settings.nats_url)).items():
        ahead.add_metric([consumer], waiting)
        open_.add_metric([consumer], unanswered)
    yield ahead
    yield open_


def letters(sources: MetricSources) -> Iterator[Metric]:
    """Tell what consumers gave up, and what the last finished comparison left."""
    new_letter = GaugeMetricFamily(
        "tuixuan_dead_letters", "Events given up and not settled.", labels=["consumer"]
    )
    last = select(_RUNS.unrepaired).where(_RUNS.finished_at.is_not(None))
    with reading(sources.record) as connection:
        counts = _counts(connection, _LETTERS.consumer, _LETTERS.status)
        left = connection.scalar(last.order_by(_RUNS.finished_at.desc()).limit(1)) or 0
    for consumer in CONSUMERS:
        new_letter.add_metric([consumer], counts.get((consumer, DeadLetterStatus.OPEN), 0))
    yield new_letter
    yield _gauge("reconcile_mismatch_cases", "Differences that the last comparison left.", left)


def deliveries(sources: MetricSources) -> Iterator[Metric]:
    """Tell how messages left, and how many reminders reached an inbox."""
    by = GaugeMetricFamily(
        "tuixuan_deliveries", "Messages by channel and outcome.", labels=["channel", "status"]
    )
    reminded = select(func.count()).where(_MESSAGES.event == EventName.DEADLINE_APPROACHING)
    with reading(sources.record) as connection:
        counts = _counts(connection, _DELIVERIES.channel, _DELIVERIES.status)
        sent = connection.scalar(reminded) or 0
    channels = {channel for channel, _ in counts} | {Channel.MAIL}
    statuses = {*DeliveryStatus} - {DeliveryStatus.DROPPED} | {status for _, status in counts}
    for channel in sorted(channels):
        for status in sorted(statuses):
            by.add_metric([channel, status], counts.get((channel, status), 0))
    yield by
    yield CounterMetricFamily("tuixuan_reminders_sent", "Reminders put into inboxes.", value=sent)


def webhooks(sources: MetricSources) -> Iterator[Metric]:
    """Tell how webhooks went, and how their endpoints stand."""
    sent = GaugeMetricFamily(
        "tuixuan_webhook_deliveries", "Webhooks by outcome.", labels=["status"]
    )
    ends = GaugeMetricFamily("tuixuan_webhook_endpoints", "Endpoints by status.", labels=["status"])
    with reading(sources.record) as connection:
        by_outcome = _counts(connection, _WEBHOOKS.status)
        by_status = _counts(connection, _ENDPOINTS.status, where=_ENDPOINTS.removed_at.is_(None))
    for outcome in WebhookStatus:
        sent.add_metric([outcome], by_outcome.get((outcome,), 0))
    for status in EndpointStatus:
        ends.add_metric([status], by_status.get((status,), 0))
    yield sent
    yield ends


def chain(sources: MetricSources) -> Iterator[Metric]:
    """Tell how long the audit's chain is, up to where it is anchored, and what waits for it."""
    with reading(sources.record) as connection:
        query = select(func.count()).where(_DEEDS.witnessed_at.is_(None))
        waiting = connection.scalar(query) or 0
    yield _gauge("audit_deeds_waiting", "Deeds that the audit has not got yet.", waiting)
    with reading(sources.audit) as connection:
        height = connection.scalar(select(func.max(_AUDIT.n))) or 0
    yield _gauge("audit_chain_height", "Records in the audit's chain.", height)
    yield _gauge("audit_anchor_height", "The newest anchored record.", sources.anchored.look())
    places, key = sources.settings.places, sources.settings.audit.signing_key
    signed = DigestFile(places.audit_digests, places.audit_key, key)
    late = signed.unsigned_seconds(sources.audit, datetime.now(UTC))
    yield _gauge("audit_unsigned_seconds", "How long an ended day has no signed digest.", late)


READ: Mapping[str, tuple[Read, ...]] = {
    "cases": (steps, deadlines, calendar),
    "relay": (outbox, lag, letters),
    "audit": (chain,),
    "notify": (deliveries,),
    "webhook": (webhooks,),
}
"""What each role tells; a role that is not named tells of its own process alone."""


class RoleCollector(Collector):
    """Reads a role's metrics at each scrape; what cannot be read is logged, absent and named."""

    def __init__(self, role: str, sources: MetricSources) -> None:
        """Take the role and where its metrics are read."""
        self._role, self._sources = role, sources

    def describe(self) -> list[Metric]:
        """Name nothing before the first scrape: names are known once they are read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what can be read now."""
        about = GaugeMetricFamily("tuixuan_build_info", "Always 1.", labels=["role", "version"])
        about.add_metric([self._role, app_version()], 1)
        yield about
        unread = GaugeMetricFamily(
            "tuixuan_metrics_unreadable", "Whether a part could not be read.", labels=["part"]
        )
        for read in READ.get(self._role, ()):
            failed = 0
            try:
                yield from list(read(self._sources))
            except Exception as error:  # noqa: BLE001 - a scrape never fails a worker
                failed = 1
                log.warning("metrics_unreadable", part=read.__name__, error=type(error).__name__)
            unread.add_metric([read.__name__], failed)
        if unread.samples:
            yield unread


def registry_of(
    role: str, settings: WorkerSettings, record: Engine, audit: Engine
) -> CollectorRegistry:
    """Return all that a role's process tells Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    sources = MetricSources(settings, record, audit, AnchorHeight(settings.places.audit_anchor))
    registry.register(RoleCollector(role, sources))
    return registry


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tuixuan_{name}", what, value=value)


def _counts(
    connection: Connection, *columns: Column[str], where: ColumnElement[bool] | None = None
) -> dict[tuple[str, ...], int]:
    query = select(*columns, func.count()).group_by(*columns)
    if where is not None:
        query = query.where(where)
    return {tuple(values): count for *values, count in connection.execute(query)}


def _reminders_ahead(sources: MetricSources, connection: Connection, now: datetime) -> int:
    """Return how many; cases with the same deadline are planned once."""
    query = (
        select(_CASES.season_id, _CASES.deadline, _SEASONS.anchor, _SEASONS.seconds_per_day,
               func.count().label("cases"))
        .join_from(table_of(CaseRecord), table_of(Season))
        .where(_CASES.state.not_in([*ENDED]), _CASES.overdue.is_(False), _CASES.deadline > now)
        .group_by(_CASES.season_id, _CASES.deadline, _SEASONS.anchor, _SEASONS.seconds_per_day)
    )  # fmt: skip
    cache, found = sources.cache, 0
    for row in connection.execute(query).all():
        agenda = plan(
            row.deadline,
            now,
            reminders=cache.programme(connection, row.season_id).reminders,
            calendar=cache.working_days(connection),
            pace=Pace(anchor=row.anchor, seconds_per_day=row.seconds_per_day),
        )
        found += row.cases * sum(item.offset != AT_DEADLINE for item in agenda.items)
    return found


async def _ask(url: str) -> dict[str, tuple[int, int]]:
    async with asyncio.timeout(NATS_PATIENCE):
        connection = await connect(url, "metrics")
        try:
            js = connection.jetstream(timeout=NATS_PATIENCE)
            return {name: found async for name, found in _consumers(js)}
        finally:
            await connection.close()


async def _consumers(js: JetStreamContext) -> AsyncIterator[tuple[str, tuple[int, int]]]:
    for name in CONSUMERS:
        try:
            told = await js.consumer_info(EVENTS, name)
        except NotFoundError:
            continue
        yield name, (told.num_pending or 0, told.num_ack_pending or 0)
