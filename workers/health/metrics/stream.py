"""Metrics of the way of the events: the outbox, the consumers, what was given up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import select

from models.store.engine import reading
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import EVENTS
from models.tables import table_of
from models.tables.repair import DeadLetter, ReconcileRun
from services.stream.backlog import read_backlog
from workers.health.metrics.sources import MetricSources, counts, gauge
from workers.servers.nats_users import NatsLogin, NatsUser
from workers.stream.connection import connect
from workers.stream.jetstream import CONSUMERS

NATS_PATIENCE = 2.0
"""Seconds for all questions to JetStream of one scrape."""

_LETTERS, _RUNS = table_of(DeadLetter).c, table_of(ReconcileRun).c


def outbox(sources: MetricSources) -> Iterator[Metric]:
    """Report what the relay has still to publish."""
    waits = read_backlog(sources.record, datetime.now(UTC))
    yield gauge("outbox_waiting", "Events not yet on the stream.", waits.waiting)
    yield gauge("outbox_oldest_age_seconds", "Age of the oldest one.", waits.oldest_seconds)


def lag(sources: MetricSources) -> Iterator[Metric]:
    """Report how far each consumer is behind; one that does not exist yet is left out."""
    ahead = GaugeMetricFamily(
        "tuixuan_consumer_lag_messages", "Messages not yet delivered.", labels=["consumer"]
    )
    unanswered = GaugeMetricFamily(
        "tuixuan_consumer_ack_pending", "Messages delivered and not answered.", labels=["consumer"]
    )
    for consumer, (waiting, pending) in asyncio.run(
        _ask(sources.settings.nats_as(NatsUser.PROBE))
    ).items():
        ahead.add_metric([consumer], waiting)
        unanswered.add_metric([consumer], pending)
    yield ahead
    yield unanswered


def letters(sources: MetricSources) -> Iterator[Metric]:
    """Count the events that consumers gave up, and what the last comparison found."""
    given_up = GaugeMetricFamily(
        "tuixuan_dead_letters", "Events given up and not settled.", labels=["consumer"]
    )
    runs = select(_RUNS.unrepaired, _RUNS.workflows_missing).where(_RUNS.finished_at.is_not(None))
    with reading(sources.record) as connection:
        found = counts(connection, _LETTERS.consumer, _LETTERS.status)
        last = connection.execute(runs.order_by(_RUNS.finished_at.desc()).limit(1)).one_or_none()
    left, missing = (0, 0) if last is None else last
    for consumer in CONSUMERS:
        given_up.add_metric([consumer], found.get((consumer, DeadLetterStatus.OPEN), 0))
    yield given_up
    yield gauge("reconcile_mismatch_cases", "Differences that the last comparison left.", left)
    what = "Open cases that had no running workflow at the last comparison."
    yield gauge("reconcile_workflows_missing", what, missing)


async def _ask(at: NatsLogin) -> dict[str, tuple[int, int]]:
    """Return how many messages each consumer has not got, and how many it has not answered."""
    async with asyncio.timeout(NATS_PATIENCE):
        connection = await connect(at, "metrics")
        try:
            js = connection.jetstream(timeout=NATS_PATIENCE)
            return {name: found async for name, found in _consumers(js)}
        finally:
            await connection.close()


async def _consumers(js: JetStreamContext) -> AsyncIterator[tuple[str, tuple[int, int]]]:
    for name in CONSUMERS:
        try:
            info = await js.consumer_info(EVENTS, name)
        except NotFoundError:
            continue
        yield name, (info.num_pending or 0, info.num_ack_pending or 0)
