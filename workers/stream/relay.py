"""The relay: what the record's outbox holds goes to the stream, in order, once for ever.

It may die at any point. An event is marked after the stream has it, so the worst is to
publish it again, and the stream knows the subject.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from itertools import groupby

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.ids import event_id
from services.clock import SharedClock
from services.stream.commit_signal import commit_signal
from services.stream.leases import release_lease, take_lease, this_process
from services.stream.outbox import UnpublishedEvent, read_unpublished, record_outcomes
from workers.stream.jetstream import ensure_streams
from workers.stream.publishing import CannotAnnounce, StreamMissing, StreamUnavailable, announce

FORGED = "it is not the event of its line of history ({} differs)"
"""Of an event that somebody changed on record before it left."""
LEASE = "relay"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RelayPace:
    """How the relay works; all in seconds, or counts.

    Attributes:
        poll: Between two looks at an empty outbox, if no commit wakes it.
        batch: Rows read and marked together: SQLite has one writer, and it is not us.
        at_once: Cases published side by side.
        answer: How long one publish waits for the stream.
        lease: After how long a relay that fell silent is replaced.
        backoff: The longest wait after an error that concerns all events.
        retry_stopped: When a case that somebody has to look at is tried again.
    """

    poll: float = 0.5
    batch: int = 200
    at_once: int = 16
    answer: float = 5.0
    lease: float = 6.0
    backoff: float = 5.0
    retry_stopped: float = 30.0


@dataclass
class _Batch:
    """What became of the rows of one batch. `unavailable`: why it was cut short, if it was."""

    published: dict[int, int] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    unavailable: StreamUnavailable | None = None


class Relay:
    """Drains the outbox while it holds the lease."""

    def __init__(
        self,
        engine: Engine,
        js: JetStreamContext,
        holder: str | None = None,
        pace: RelayPace = RelayPace(),
    ) -> None:
        """Compose.

        Args:
            engine: The record.
            js: JetStream.
            holder: Whose lease it is; None: this process.
            pace: How it works.
        """
        self._engine, self._js, self._pace = engine, js, pace
        self._holder = holder or this_process()
        self._clock = SharedClock(engine)
        self._gate = asyncio.Semaphore(pace.at_once)
        self._renew_at = 0.0
        self._stopped: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Drain until `stop`; whatever is unavailable is waited for."""
        signal, wait = commit_signal(self._engine), 0.0
        try:
            while not stop.is_set():
                try:
                    if not await self._turn():
                        await asyncio.to_thread(signal.wait, self._pace.poll)
                    wait = 0.0
                except (StreamUnavailable, SQLAlchemyError) as error:
                    wait = min(max(2 * wait, 0.1), self._pace.backoff)
                    log.warning("relay_waits", error=str(error), seconds=wait)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), wait)
        finally:
            await asyncio.to_thread(signal.close)
            with contextlib.suppress(SQLAlchemyError):
                await asyncio.to_thread(release_lease, self._engine, LEASE, self._holder)

    async def drain(self) -> int:
        """Publish one batch and mark it; return how many rows are published.

        Raises:
            StreamUnavailable: Nothing can be published now. What went out before is marked.
        """
        now = time.monotonic()
        self._stopped = {case: until for case, until in self._stopped.items() if until > now}
        rows = await asyncio.to_thread(
            read_unpublished, self._engine, self._pace.batch, tuple(self._stopped)
        )
        if not rows:
            return 0
        batch = _Batch()
        ordered = sorted(rows, key=lambda row: (row.case_id, row.seq))
        cases = [list(group) for _, group in groupby(ordered, key=lambda row: row.case_id)]
        await asyncio.gather(*(self._publish_case(case, batch) for case in cases))
        if batch.published or batch.failed:
            await self._settle(batch)
        if batch.unavailable is not None:
            raise batch.unavailable
        return len(batch.published)

    async def _turn(self) -> int:
        if not await self._holds_lease():
            return 0
        try:
            return await self.drain()
        except StreamMissing:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                await ensure_streams(self._js)
            raise

    async def _holds_lease(self) -> bool:
        if time.monotonic() < self._renew_at:
            return True
        held = await asyncio.to_thread(self._take_lease)
        if held:
            self._renew_at = time.monotonic() + self._pace.lease / 3
        return held

    def _take_lease(self) -> bool:
        return take_lease(self._engine, LEASE, self._holder, self._clock(), self._pace.lease)

    async def _publish_case(self, rows: list[UnpublishedEvent], batch: _Batch) -> None:
        """Publish one case's rows in order, up to the first that fails."""
        async with self._gate:
            for row in rows:
                if batch.unavailable is not None:
                    return
                if row.misfit is not None:
                    self._stop_case(row, batch, FORGED.format(row.misfit))
                    return
                try:
                    place = await announce(self._js, row, self._pace.answer)
                except StreamUnavailable as error:
                    batch.unavailable = error
                    return
                except CannotAnnounce as error:
                    self._stop_case(row, batch, str(error))
                    return
                batch.published[row.id] = place
                log.debug("event_announced", **_ids(row), stream_seq=place)

    def _stop_case(self, row: UnpublishedEvent, batch: _Batch, why: str) -> None:
        batch.failed[row.id] = why
        self._stopped[row.case_id] = time.monotonic() + self._pace.retry_stopped
        log.error(
            "event_cannot_be_announced", alarm=True, **_ids(row), subject=row.subject, why=why
        )

    async def _settle(self, batch: _Batch) -> None:
        await asyncio.to_thread(self._write_outcomes, batch)
        if batch.published:
            log.info("events_announced", events=len(batch.published))

    def _write_outcomes(self, batch: _Batch) -> None:
        record_outcomes(self._engine, batch.published, batch.failed, self._clock())


def _ids(row: UnpublishedEvent) -> dict[str, str]:
    return {"case_id": row.case_id, "event_id": event_id(row.case_id, row.seq)}
