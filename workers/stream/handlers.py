"""What the consumer of the stream asks of the code that acts on events."""

from collections.abc import Sequence
from typing import Protocol

from models.stream.incoming import IncomingEvent
from models.stream.names import Durable


class Handler(Protocol):
    """Acts on events. Synchronous: it runs in a thread."""

    @property
    def name(self) -> Durable:
        """The durable consumer that it serves."""

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Do what events ask, unless it is done, all in ONE transaction with their cursors.

        It looks at the cursors inside its transaction: another process, thought dead, may
        have been quicker.

        Args:
            events: In the order in which they came.

        Returns:
            Those that come too early: events of their case are missing before them. Nothing
            was done with these.
        """


class OrderedHandler(Handler, Protocol):
    """Takes the events of each case in order and without a gap."""

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case that is done, 0 for none."""
