"""Gaps: events that a newer one of their case overtook on the way to an ordered consumer.

What is missing is mostly on its way. Once it takes too long it is read from the record, which
always has it.
"""

import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import Engine

from models.stream.incoming import IncomingEvent
from services.stream.recorded_events import RecordedEvent, recorded_events
from workers.stream.handlers import OrderedHandler
from workers.stream.held_message import HeldMessage

type Skip = Callable[[IncomingEvent], None]
"""Moves the cursor over an event whose dead letter was discarded."""


class BeyondRecordError(Exception):
    """An event follows others of its case that neither the stream nor the record has."""


class Gaps:
    """Fills the gaps of one consumer. `skip`: None if nothing is ever left out."""

    def __init__(self, handler: OrderedHandler, record: Engine, skip: Skip | None) -> None:
        self._handler, self._record, self._skip = handler, record, skip
        self._since: dict[str, float] = {}

    async def fill(self, held: HeldMessage, case_id: str, first: int, last: int) -> bool:
        """Handle the missing events from `first` to `last`.

        Returns:
            Whether all of them are done; otherwise the message was sent back.

        Raises:
            BeyondRecordError: The record does not have them either.
        """
        since = self._since.setdefault(case_id, time.monotonic())
        if time.monotonic() - since < held.pace.gap:
            await held.send_back(held.pace.redeliver)
            return False
        read = partial(recorded_events, self._record, self._handler.name, case_id, first, last)
        missing = await held.work(read)
        if len(missing) != last - first + 1:
            raise BeyondRecordError(f"nothing on record leads from {first - 1} to {last + 1}")
        for each in missing:
            await self._hand_over(held, each)
        return True

    def close(self, case_id: str) -> None:
        """Forget the gap of a case: its events follow each other again."""
        self._since.pop(case_id, None)

    async def _hand_over(self, held: HeldMessage, missing: RecordedEvent) -> None:
        event = missing.incoming()
        if self._skip is not None and missing.discarded:
            await held.work(partial(self._skip, event))
            held.log.warning("event_passed_over", missing=missing.event.id)
        else:
            await held.work(partial(self._handler.apply, [event]))
            held.log.warning("event_read_from_the_record", missing=missing.event.id)
