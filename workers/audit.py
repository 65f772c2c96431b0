"""The audit worker: it witnesses every event and every audit entry in a store of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.refusals import Refused
from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.audit.anchors import AnchorFile
from services.audit.chain import append, append_entries, last_seq, read_head
from services.audit.digest_file import DigestFile
from services.audit.entries import mark_witnessed, read_waiting
from workers.stream.consumer import Consumer
from workers.stream.handing_over import InOrder
from workers.stream.pace import STEADY, ConsumerPace

SIGN_EVERY_SECONDS = 60.0
"""How often it is checked whether a day has ended."""
WITNESS_EVERY_SECONDS = 1.0
"""How often it is checked whether there are new audit entries."""

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class AuditHandler:
    """Appends each event to the chain once, and anchors the chain after each transaction.

    The chain itself is the cursor: what it holds of a case is done.
    """

    name = Durable.AUDIT

    def __init__(
        self, engine: Engine, anchor_path: Path, clock: Callable[[], datetime] = _now
    ) -> None:
        self._engine, self._clock = engine, clock
        self._anchors = AnchorFile(anchor_path)

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case in the chain."""
        with reading(self._engine) as connection:
            return last_seq(connection, case_id)

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Append events, then one anchor for all."""
        with transaction(self._engine) as connection:
            anchor, early = append(connection, events, self._clock())
        if anchor is not None:
            self._anchors.append(anchor)
        return early

    def append_entries(self, record: Engine) -> int:
        """Append the entries on record that the chain does not have, and one anchor for all.

        A crash in between leaves entries in the chain that the record does not know as
        witnessed. The next call finds them in the chain, and marks them.

        Returns:
            How many were marked as witnessed.
        """
        rows = read_waiting(record)
        if not rows:
            return 0
        with transaction(self._engine) as connection:
            anchor = append_entries(connection, rows, self._clock())
        if anchor is not None:
            self._anchors.append(anchor)
        mark_witnessed(record, [row["id"] for row in rows], self._clock())
        return len(rows)

    def take_up(self) -> None:
        """Anchor what a predecessor committed and had no time to anchor.

        A chain that is shorter than its anchors is left alone: people must look at it.
        """
        self._anchors.mend()
        anchored = max((anchor[0] for anchor in self._anchors.read() if anchor), default=0)
        with reading(self._engine) as connection:
            head = read_head(connection)
        length = 0 if head is None else head.n
        if length < anchored:
            log.error("audit_tail_cut", alarm=True, anchored=anchored, length=length)
        elif head is not None and length > anchored:
            self._anchors.append(head)


async def run(  # noqa: PLR0913 - the stream, the stores, and how
    js: JetStreamContext,
    record_engine: Engine,
    audit_engine: Engine,
    anchor_path: Path,
    stop: asyncio.Event,
    pace: ConsumerPace = STEADY,
    digests: DigestFile | None = None,
) -> None:
    """Witness events and entries until `stop`; sign each ended day in `digests`."""
    handler = AuditHandler(audit_engine, anchor_path)
    await asyncio.to_thread(handler.take_up)
    async with asyncio.TaskGroup() as group:
        if digests is not None:
            group.create_task(_sign(digests, audit_engine, stop))
        group.create_task(_witness(handler, record_engine, stop))
        await Consumer(js, InOrder(handler, record_engine), record_engine, stop, pace).run()
        stop.set()


async def _witness(handler: AuditHandler, record: Engine, stop: asyncio.Event) -> None:
    """Witness entries as they come; an outage of a store does not end it."""
    while not stop.is_set():
        found = 0
        try:
            found = await asyncio.to_thread(handler.append_entries, record)
        except (OSError, SQLAlchemyError) as error:
            log.warning("deeds_not_witnessed", error=type(error).__name__)
        if not found:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WITNESS_EVERY_SECONDS)


async def _sign(digests: DigestFile, engine: Engine, stop: asyncio.Event) -> None:
    """Sign the days that have ended, including any missed; a failure does not end the worker."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(digests.sign_ended_days, engine, _now())
        except (Refused, OSError, SQLAlchemyError) as error:
            log.error("audit_not_signed", alarm=True, error=type(error).__name__)  # noqa: TRY400 - one line; the next minute tries again
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SIGN_EVERY_SECONDS)
