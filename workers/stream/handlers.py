"""What the consumer of the stream asks of the code that acts on events."""

from typing import Protocol

from models.cases.events import CaseEvent
from models.stream.names import Durable

FROM_RECORD = 0
"""The place in the stream of an event that was read from the record instead."""


class Handler(Protocol):
    """Acts on events. Synchronous: it runs in a thread."""

    @property
    def name(self) -> Durable:
        """The durable consumer that it serves."""

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Do what an event asks, unless it is done, in ONE transaction with the cursor.

        It looks at the cursor inside its transaction: another process, thought dead, may
        have been quicker.

        Args:
            event: The event.
            body: Its exact text.
            stream_seq: Its place in the stream, or `FROM_RECORD`.
        """


class OrderedHandler(Handler, Protocol):
    """Takes the events of each case in order and without a gap."""

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case that is done, 0 for none."""
