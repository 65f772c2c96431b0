"""Two ways of handing events to a handler: in the order of their case, or as they come."""

from functools import partial
from typing import Protocol

from sqlalchemy import Engine

from models.cases.events import CaseEvent
from models.stream.names import Durable
from workers.stream.gaps import Gaps, Skip
from workers.stream.handlers import Handler, OrderedHandler
from workers.stream.held_message import HeldMessage


class HandOver(Protocol):
    """A way of handing events over."""

    @property
    def consumer(self) -> Durable:
        """The durable consumer that is served."""

    async def hand_over(self, held: HeldMessage, event: CaseEvent, body: str) -> bool:
        """Have an event handled.

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

    async def hand_over(self, held: HeldMessage, event: CaseEvent, body: str) -> bool:
        """Hand an event over."""
        await held.work(partial(self._handler.apply, event, body, held.place))
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

    async def hand_over(self, held: HeldMessage, event: CaseEvent, body: str) -> bool:
        """Hand an event over, after those of its case that are missing before it."""
        case_id, seq = event.data.case_id, event.data.seq
        last = await held.work(partial(self._handler.last_seq, case_id))
        if seq > last + 1 and not await self._gaps.fill(held, case_id, last + 1, seq - 1):
            return False
        if seq > last:
            await held.work(partial(self._handler.apply, event, body, held.place))
            self._gaps.close(case_id)
        return True
