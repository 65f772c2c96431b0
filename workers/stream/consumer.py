"""Consume the stream: each event's effect once.

A handler moves its cursor in the transaction of its effect, so it does not matter how often an
event comes, nor when this process dies.
"""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.cases.binding import NO_LINE
from models.stream.incoming import IncomingEvent
from models.stream.names import EVENTS
from services.stream.recorded_events import event_under, misfits_on_record
from workers.stream.connection import said
from workers.stream.dead_letters import DeadLetters
from workers.stream.gaps import BeyondRecordError
from workers.stream.handing_over import HandOver
from workers.stream.held_message import LONGEST_DELAY, HeldMessage, Stopping, work
from workers.stream.incoming import UnreadableError
from workers.stream.jetstream import ensure_consumer
from workers.stream.pace import STEADY, ConsumerPace

NATS_UNAVAILABLE = (NatsError, OSError, TimeoutError)

log = structlog.get_logger(__name__)

_SEVERAL = 2
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
            stop: Ends it after what is in hand.
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

    async def take(self, messages: Sequence[Msg]) -> None:
        """Have messages handled, in one transaction as far as that goes, and answer each."""
        every = [HeldMessage(each, self._way.consumer, self._pace, self._stop) for each in messages]
        done = await self._take_together(every)
        for held in every:
            if held.place not in done:
                with contextlib.suppress(*NATS_UNAVAILABLE):  # it comes again
                    await self._take_alone(held)

    async def _take_together(self, every: Sequence[HeldMessage]) -> Collection[int]:
        """Handle what can be handled together; return the places of what was handled.

        What came before may have gone wrong before, so that it would take others along.
        """
        events = list(_readable(each for each in every if each.deliveries == 1))
        if len(events) < _SEVERAL or self._stop.is_set():
            return ()
        try:
            done = await work(every, partial(self._apply, events))
        except (Stopping, NatsError):  # sent back one by one, or it comes again
            return ()
        except Exception as error:  # noqa: BLE001 - whose trouble it is shows when each is alone
            self._log.warning("batch_failed", events=len(events), error=type(error).__name__)
            return ()
        await self._acknowledge([each for each in every if each.place in done])
        for event, _, place in events:
            if place in done:
                self._log.debug("event_handled", event_id=event.id, stream_seq=place)
        if done:
            self._log.info("events_handled", events=len(done))
        return done

    def _apply(self, events: Sequence[IncomingEvent]) -> Collection[int]:
        """Hand over those that are as their lines of history say; return whose place is done."""
        misfits = misfits_on_record(self._record, events)
        fitting = [each for each, why in zip(events, misfits, strict=True) if why is None]
        early = self._way.together(fitting) if fitting else ()
        return {each.place for each in fitting} - {each.place for each in early}

    async def _acknowledge(self, done: Sequence[HeldMessage]) -> None:
        answers = (each.acknowledge() for each in done)
        for answer in await asyncio.gather(*answers, return_exceptions=True):
            if isinstance(answer, NATS_UNAVAILABLE):  # it is done, and comes again
                self._log.warning("answer_lost", error=said(answer))
            elif answer is not None:
                raise answer

    async def _take_alone(self, held: HeldMessage) -> None:
        if self._stop.is_set():
            await held.send_back()
            return
        try:
            event = held.read()
        except UnreadableError as error:
            await self._answered(held, self._unreadable(held, str(error)))
            return
        about = event.event
        with structlog.contextvars.bound_contextvars(case_id=about.data.case_id, event_id=about.id):
            await self._answered(held, self._handle(held, event))

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
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
            await self.take(batch)

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

    async def _handle(self, held: HeldMessage, event: IncomingEvent) -> None:
        [why] = await held.work(partial(misfits_on_record, self._record, [event]))
        if why == NO_LINE:  # sent before its time, or the record is an older copy
            raise BeyondRecordError(why)
        if why is not None:
            # Nobody but the relay publishes, and it publishes nothing else: somebody else did.
            self._log.error("foreign_event", alarm=True, subject=held.subject, differs=why)
            await self._set_aside(held, FOREIGN.format(why))
        elif await self._way.hand_over(held, event):
            await held.acknowledge()
            self._log.info("event_handled", stream_seq=held.place)

    async def _set_aside(self, held: HeldMessage, why: str) -> None:
        """Set aside what is no event of ours, once the event in whose place it came is handled."""
        read = partial(event_under, self._record, self._way.consumer, held.subject)
        true = await held.work(read)
        if true is None or await self._way.hand_over(held, true.incoming()):
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


def _readable(every: Iterable[HeldMessage]) -> Iterator[IncomingEvent]:
    for held in every:
        with contextlib.suppress(UnreadableError):
            yield held.read()
