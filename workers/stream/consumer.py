"""Consume the stream: each event's effect once.

A handler moves its cursor in the transaction of its effect, so it does not matter how often an
event comes, nor when this process dies.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from functools import partial
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.cases.binding import NO_LINE
from models.cases.events import CaseEvent
from models.stream.names import EVENTS
from services.stream.recorded_events import event_under, misfit_on_record
from workers.stream.connection import said
from workers.stream.dead_letters import DeadLetters
from workers.stream.gaps import BeyondRecordError
from workers.stream.handing_over import HandOver
from workers.stream.held_message import LONGEST_DELAY, HeldMessage, Stopping
from workers.stream.incoming import UnreadableError, read_event
from workers.stream.jetstream import ensure_consumer, ensure_streams
from workers.stream.pace import STEADY, ConsumerPace

NATS_UNAVAILABLE = (NatsError, OSError, TimeoutError)

log = structlog.get_logger(__name__)

FOREIGN = "not the event of its line of history: {} differs"
"""Of a message that somebody else put on the stream."""


class Consumer:
    """Serves a durable consumer: fetches its messages, has them handled, answers each."""

    def __init__(
        self,
        js: JetStreamContext,
        way: HandOver,
        record: Engine,
        stop: asyncio.Event,
        pace: ConsumerPace = STEADY,
    ) -> None:
        """Compose.

        Args:
            js: JetStream.
            way: How events are handed to their handler.
            record: What each event is held against, and where dead letters are written.
            stop: Ends it after the message in hand.
            pace: How it works.
        """
        self._js, self._way, self._stop, self._pace = js, way, stop, pace
        self._record = record
        self._dead_letters = DeadLetters(way.consumer, record)
        self._log = log.bind(consumer=way.consumer)

    async def run(self) -> None:
        """Consume until told to stop; an unavailable server is waited for."""
        while not self._stop.is_set():
            try:
                subscription = await self._subscribe()
            except NATS_UNAVAILABLE as error:
                self._log.warning("consumer_waits", error=said(error))
                await self._pause(1.0)
                continue
            try:
                await self._fetch_until_silent(subscription)
            finally:
                with contextlib.suppress(*NATS_UNAVAILABLE):
                    await subscription.unsubscribe()

    async def take(self, message: Msg) -> None:
        """Have one message handled, and answer it."""
        if self._stop.is_set():
            await message.nak()
            return
        held = HeldMessage(message, self._way.consumer, self._pace, self._stop)
        try:
            event, body = read_event(message.subject, message.data)
        except UnreadableError as error:
            await self._answered(held, self._unreadable(held, str(error)))
            return
        with structlog.contextvars.bound_contextvars(case_id=event.data.case_id, event_id=event.id):
            await self._answered(held, self._handle(held, event, body))

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        await ensure_streams(self._js)
        await ensure_consumer(self._js, self._way.consumer)
        return await self._js.pull_subscribe_bind(durable=self._way.consumer, stream=EVENTS)

    async def _fetch_until_silent(self, subscription: JetStreamContext.PullSubscription) -> None:
        """Take messages until several requests in a row brought none."""
        silent = 0
        while not self._stop.is_set() and silent < self._pace.silence:
            try:
                batch = await subscription.fetch(self._pace.batch, timeout=self._pace.fetch)
            except TimeoutError:  # nothing new
                silent += 1
                continue
            except NATS_UNAVAILABLE as error:
                silent += 1
                self._log.warning("fetch_failed", error=said(error))
                await self._pause(0.1)
                continue
            silent = 0
            for message in batch:
                with contextlib.suppress(*NATS_UNAVAILABLE):  # it comes again
                    await self.take(message)

    async def _answered(self, held: HeldMessage, work: Coroutine[Any, Any, None]) -> None:
        """Do the work of a message, and answer it however that ends."""
        try:
            await work
        except Stopping:
            await held.send_back()
        except BeyondRecordError as error:
            await self._beyond_record(held, str(error))
        except NatsError as error:  # our answer failed: what was done is done, and it comes again
            self._log.warning("answer_lost", error=said(error))
        except Exception as error:  # noqa: BLE001 - one event's trouble is not the others'
            await self._failed(held, error)

    async def _handle(self, held: HeldMessage, event: CaseEvent, body: str) -> None:
        why = await held.work(partial(misfit_on_record, self._record, event, body))
        if why == NO_LINE:  # sent before its time, or the record is an older copy
            raise BeyondRecordError(why)
        if why is not None:
            # Nobody but the relay publishes, and it publishes nothing else: somebody else did.
            self._log.error("foreign_event", alarm=True, subject=held.subject, differs=why)
            await self._set_aside(held, FOREIGN.format(why))
        elif await self._way.hand_over(held, event, body):
            await held.acknowledge()
            self._log.info("event_handled", stream_seq=held.place)

    async def _set_aside(self, held: HeldMessage, why: str) -> None:
        """Set aside what is no event of ours, once the event in whose place it came is handled."""
        read = partial(event_under, self._record, self._way.consumer, held.subject)
        true = await held.work(read)
        if true is None or await self._way.hand_over(held, true.event, true.body):
            await self._dead_letters.set_aside(held, why)

    async def _failed(self, held: HeldMessage, error: Exception) -> None:
        """Try an event again after a growing delay; set it aside after its last delivery."""
        deliveries = held.deliveries
        self._log.error("event_failed", delivered=deliveries, exc_info=error)
        with contextlib.suppress(Stopping):
            if await self._dead_letters.is_last(held):
                await self._dead_letters.set_aside(held, repr(error))
            else:
                await held.send_back(min(2.0 ** (deliveries - 1), LONGEST_DELAY))

    async def _beyond_record(self, held: HeldMessage, why: str) -> None:
        """Send an event back that nothing leads to; set it aside after its last delivery."""
        self._log.error("event_beyond_the_record", alarm=True, why=why)
        with contextlib.suppress(Stopping):
            if await self._dead_letters.is_last(held):
                await self._dead_letters.set_aside(held, why)
            else:
                await held.send_back(LONGEST_DELAY)

    async def _unreadable(self, held: HeldMessage, why: str) -> None:
        """Set a message aside that is no event of ours.

        A consumer that gives up no event of ours keeps one that the record has: a newer version
        of this software wrote it, and will read it.
        """
        self._log.error("unreadable_message", alarm=True, subject=held.subject, why=why)
        if not await self._dead_letters.is_on_record(held):
            await self._set_aside(held, why)
        elif self._dead_letters.allowed:
            await self._dead_letters.set_aside(held, why)
        else:
            await held.send_back(LONGEST_DELAY)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
