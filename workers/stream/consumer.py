"""Consume the stream: each event's effect once, and in the order of its case.

A handler moves its cursor in its effect's transaction: so it does not matter how often an
event comes, nor when this process dies.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from models.cases.events import CaseEvent
from models.stream.names import EVENTS
from services.stream.dead_letters import NewDeadLetter, add_letter, discarded_seqs
from workers.stream.connection import CONSUMERS, ensure_consumer, ensure_streams
from workers.stream.incoming import (
    UnreadableError,
    announced_on_record,
    new_letter,
    read_event,
    reason_kept,
)

NATS_UNAVAILABLE = (NatsError, OSError, TimeoutError)
SQL_UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeoutError)
LONGEST_DELAY = 30.0

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """What a consumer does with events. Synchronous: it runs in a thread.

    `name` is the durable's; `apply` is ONE transaction: the effect and the cursor.
    """

    @property
    def name(self) -> str:
        """The durable's."""

    def last_seq(self, case_id: str) -> int:
        """Return up to which event of a case everything is done; 0 for none."""

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Do what the event asks, unless it is done.

        It looks at the cursor inside its transaction: another process, thought dead, may
        have been quicker. `stream_seq`: 0 where the body came from the record.
        """


@dataclass(frozen=True)
class ConsumerPace:
    """How a consumer works; all in seconds, or counts.

    Attributes:
        batch: Messages asked for at once.
        fetch: How long one request waits for messages.
        silence: Requests without a message, until it subscribes anew (nats.py#504).
        redeliver: When an event that came too early comes again.
        gap: How long a missing event may take, until it is read from the record.
        backoff: The longest wait for a database that is away.
    """

    batch: int = 64
    fetch: float = 2.0
    silence: int = 3
    redeliver: float = 1.0
    gap: float = 5.0
    backoff: float = 5.0


STEADY = ConsumerPace()


class _Stopping(Exception):
    """The process ends; the message goes back."""


async def consume(  # noqa: PLR0913 - what it joins, and how
    js: JetStreamContext,
    handler: Handler,
    record_engine: Engine,
    stop: asyncio.Event,
    *,
    ordered: bool = True,
    pace: ConsumerPace = STEADY,
    pass_over: Callable[[CaseEvent], None] | None = None,
) -> None:
    """Serve the durable consumer of a handler until `stop`.

    Args:
        js: JetStream.
        handler: What is done.
        record_engine: Where an event that the stream does not bring is read.
        stop: Ends it after the message in hand.
        ordered: Whether each case's events are handed over in order, without a gap;
            otherwise as they come, and the handler itself drops repeats.
        pace: How it works.
        pass_over: Moves the cursor over an event whose dead letter was dropped, so that the
            later events of its case go on; None: nothing is ever left out.
    """
    await _Consumer(js, handler, record_engine, stop, ordered, pace, pass_over).run()


@dataclass
class _Consumer:
    js: JetStreamContext
    handler: Handler
    record: Engine
    stop: asyncio.Event
    ordered: bool
    pace: ConsumerPace
    pass_over: Callable[[CaseEvent], None] | None
    gaps: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.most = CONSUMERS[self.handler.name].max_deliver
        self.log = log.bind(consumer=self.handler.name)

    async def run(self) -> None:
        while not self.stop.is_set():
            try:
                await ensure_streams(self.js)
                await ensure_consumer(self.js, self.handler.name)
                subscription = await self.js.pull_subscribe_bind(
                    durable=self.handler.name, stream=EVENTS
                )
            except NATS_UNAVAILABLE as error:
                self.log.warning("consumer_waits", error=repr(error))
                await self._pause(1.0)
                continue
            try:
                await self._serve(subscription)
            finally:
                with contextlib.suppress(*NATS_UNAVAILABLE):
                    await subscription.unsubscribe()

    async def _serve(self, subscription: JetStreamContext.PullSubscription) -> None:
        silent = 0
        while not self.stop.is_set() and silent < self.pace.silence:
            try:
                batch = await subscription.fetch(self.pace.batch, timeout=self.pace.fetch)
            except TimeoutError:  # nothing new
                silent += 1
                continue
            except NATS_UNAVAILABLE as error:
                silent += 1
                self.log.warning("fetch_failed", error=repr(error))
                await self._pause(0.1)
                continue
            silent = 0
            for message in batch:
                with contextlib.suppress(*NATS_UNAVAILABLE):  # it comes again
                    await self._take(message)

    async def _take(self, message: Msg) -> None:
        if self.stop.is_set():
            await message.nak()
            return
        try:
            event, body = read_event(message.subject, message.data)
        except UnreadableError as error:
            await self._refuse(message, str(error))
            return
        with structlog.contextvars.bound_contextvars(case_id=event.data.case_id, event_id=event.id):
            try:
                await self._handle(message, event, body)
            except _Stopping:
                await message.nak()
            except NatsError as error:  # of our answer: what was done is done, and it comes again
                self.log.warning("answer_lost", error=repr(error))
            except Exception as error:  # noqa: BLE001 - one event's trouble is not the others'
                await self._failed(message, error)

    async def _bury(self, message: Msg, why: str) -> None:
        with contextlib.suppress(_Stopping):  # unanswered, the server's advisory tells of it
            await self._put_aside(message, why)

    async def _handle(self, message: Msg, event: CaseEvent, body: str) -> None:
        case_id, seq = event.data.case_id, event.data.seq
        place = message.metadata.sequence.stream
        if not self.ordered:
            await self._patiently(message, partial(self.handler.apply, event, body, place))
        else:
            last = await self._patiently(message, partial(self.handler.last_seq, case_id))
            if seq > last + 1 and not await self._fill(message, case_id, last, seq):
                return
            if seq > last:
                await self._patiently(message, partial(self.handler.apply, event, body, place))
                self.gaps.pop(case_id, None)
        await message.ack_sync(timeout=2)
        self.log.info("event_handled", stream_seq=place)

    async def _fill(self, message: Msg, case_id: str, last: int, seq: int) -> bool:
        """Tell whether all before `seq` is done now; otherwise the message comes again.

        What is missing is mostly on its way. Once it took too long it is read from the
        record, which always has it.
        """
        since = self.gaps.setdefault(case_id, time.monotonic())
        if time.monotonic() - since < self.pace.gap:
            await message.nak(delay=self.pace.redeliver)
            return False
        bodies = await self._patiently(
            message, partial(announced_on_record, self.record, case_id, last + 1, seq - 1)
        )
        if len(bodies) != seq - 1 - last:
            self.log.error("event_beyond_the_record", alarm=True, last_seq=last)
            await message.nak(delay=LONGEST_DELAY)
            return False
        without = await self._patiently(message, partial(self._left_out, case_id))
        for body in bodies:
            missing = CaseEvent.model_validate_json(body)
            if self.pass_over is not None and missing.data.seq in without:
                await self._patiently(message, partial(self.pass_over, missing))
                self.log.warning("event_passed_over", missing=missing.id)
                continue
            await self._patiently(message, partial(self.handler.apply, missing, body, 0))
            self.log.warning("event_read_from_the_record", missing=missing.id)
        return True

    def _left_out(self, case_id: str) -> frozenset[int]:
        if self.pass_over is None:
            return frozenset()
        return discarded_seqs(self.record, self.handler.name, case_id)

    async def _patiently[Answer](self, message: Msg, call: Callable[[], Answer]) -> Answer:
        """Call in a thread until the database answers; meanwhile the message stays ours."""
        wait = 0.05
        while True:
            try:
                return await asyncio.to_thread(call)
            except SQL_UNAVAILABLE as error:
                self.log.warning("database_away", error=str(error)[:200])
            await message.in_progress()
            await self._pause(wait)
            if self.stop.is_set():
                raise _Stopping
            wait = min(2 * wait, self.pace.backoff)

    async def _refuse(self, message: Msg, why: str) -> None:
        """A message that is no event of ours: give it up, or keep alarming."""
        self.log.error("unreadable_message", alarm=True, subject=message.subject, why=why)
        if self.most > 0:
            await self._bury(message, why)
        else:
            await message.nak(delay=LONGEST_DELAY)

    async def _failed(self, message: Msg, error: Exception) -> None:
        delivered = message.metadata.num_delivered
        self.log.error("event_failed", delivered=delivered, exc_info=error)
        if 0 < self.most <= delivered:
            await self._bury(message, repr(error))
        else:
            await message.nak(delay=min(2.0 ** (delivered - 1), LONGEST_DELAY))

    async def _put_aside(self, message: Msg, why: str) -> None:
        place = message.metadata.sequence.stream
        self.log.error(
            "dead_letter", alarm=True, subject=message.subject, stream_seq=place, why=why
        )
        letter = NewDeadLetter(
            consumer=self.handler.name,
            subject=message.subject,
            stream_seq=place,
            reason=reason_kept(why),
            deliveries=message.metadata.num_delivered,
            at=datetime.now(UTC),
        )
        # Kept in SQL first: an answer that is lost brings the message again, or its advisory.
        await self._patiently(message, partial(add_letter, self.record, letter))
        await message.respond(new_letter(why))

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
