"""The audit worker: a witness of every event, in a store of its own."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from activities.database import reading, transaction
from models.events import CaseEvent
from models.refusals import Refused
from services.audit_chain import AnchorFile, append, last_seq, read_head
from services.audit_signing import DigestFile
from workers.consumers import STEADY, ConsumerPace, consume

SIGN_EVERY_SECONDS = 60.0
"""How often it is asked whether a day has ended."""

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class AuditHandler:
    """Puts each event into the chain once, and anchors the chain after each.

    The chain itself is the cursor: what it holds of a case is done.
    """

    name = "audit"

    def __init__(
        self, engine: Engine, anchor_path: Path, clock: Callable[[], datetime] = _now
    ) -> None:
        """Take the audit's store and the file of the anchors."""
        self._engine, self._clock = engine, clock
        self._anchors = AnchorFile(anchor_path)

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case in the chain."""
        with reading(self._engine) as connection:
            return last_seq(connection, case_id)

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Append an event, and then its anchor."""
        with transaction(self._engine) as connection:
            anchor = append(connection, event, body, stream_seq, self._clock())
        if anchor is not None:
            self._anchors.append(anchor)

    def take_up(self) -> None:
        """Anchor what a predecessor committed and could not anchor any more.

        A chain that is shorter than its anchors is not touched: that is for people.
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
    """Witness events until `stop`; sign each day that ended in `digests`."""
    handler = AuditHandler(audit_engine, anchor_path)
    await asyncio.to_thread(handler.take_up)
    async with asyncio.TaskGroup() as group:
        if digests is not None:
            group.create_task(_sign(digests, audit_engine, stop))
        await consume(js, handler, record_engine, stop, pace=pace)
        stop.set()


async def _sign(digests: DigestFile, engine: Engine, stop: asyncio.Event) -> None:
    """Sign the days that have ended, also those missed; a failure does not end the witness."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(digests.sign_ended_days, engine, _now())
        except (Refused, OSError, SQLAlchemyError) as error:
            log.error("audit_not_signed", alarm=True, error=type(error).__name__)  # noqa: TRY400 - one line; the next minute tries again
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SIGN_EVERY_SECONDS)
