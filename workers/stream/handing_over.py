"""Two ways of handing events to a handler: in the order of their case, or as they come."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from sqlalchemy import Engine

from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from workers.stream.gaps import Gaps, Skip
from workers.stream.handlers import Handler, OrderedHandler
from workers.stream.held_message import HeldMessage


class HandOver(Protocol):
    """A way of handing events over."""

    @property
    def consumer(self) -> Durable:
        """The durable consumer that is served."""

    def together(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Have events handled in one transaction. Synchronous: for a thread.

        Returns:
            Those that came too early, with which nothing was done.
        """

    async def hand_over(self, held: HeldMessage, event: IncomingEvent) -> bool:
        """Have an event handled, whatever has to be done before it.

        Returns:
            Whether it is done; otherwise its message was sent back.

        Raises:
            BeyondRecordError: It follows events of its case that nobody has.
        """


class AsTheyCome:
    """Each event at once, in whatever order; the handler itself drops repeats."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.consumer = handler.name

    def together(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Hand events over; none is too early."""
        self._handler.apply(events)
        return ()

    async def hand_over(self, held: HeldMessage, event: IncomingEvent) -> bool:
        """Hand an event over."""
        await held.work(partial(self.together, [event]))
        return True


class InOrder:
    """Each case's events in order and without a gap; one that is done is not handed over."""

    def __init__(self, handler: OrderedHandler, record: Engine, skip: Skip | None = None) -> None:
        """Compose.

        Args:
            handler: Who acts.
            record: Where events are read that the stream does not bring.
            skip: Moves the cursor over an event whose dead letter was discarded, so that the
                later events of its case go on; None: nothing is ever left out.
        """
        self._handler, self._gaps = handler, Gaps(handler, record, skip)
        self.consumer = handler.name

    def together(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Hand events over that follow what was handled, or each other."""
        return self._handler.apply(events)

    async def hand_over(self, held: HeldMessage, event: IncomingEvent) -> bool:
        """Hand an event over, after those of its case that are missing before it."""
        case_id, seq = event.event.data.case_id, event.event.data.seq
        while await held.work(partial(self._handler.apply, [event])):
            last = await held.work(partial(self._handler.last_seq, case_id))
            if seq > last + 1 and not await self._gaps.fill(held, case_id, last + 1, seq - 1):
                return False
        self._gaps.close(case_id)
        return True
