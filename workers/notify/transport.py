"""What a sender asks of a way out, and the ways in which that may fail."""

from typing import Protocol

from services.notifications.outgoing import OutgoingMessage


class NotSentError(Exception):
    """A message is not out. `code`: what the server answered, if it did."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class DeferredError(NotSentError):
    """Not now: worth another attempt."""


class TransportUnavailable(DeferredError):
    """The server itself does not answer, or refuses us: no other message would fare better now."""


class RejectedError(NotSentError):
    """Never: another attempt would get the same answer."""


class Transport(Protocol):
    """Carries messages. Sending one twice must be harmless."""

    async def send(self, message: OutgoingMessage) -> None:
        """Return when the message is out of our hands.

        Raises:
            NotSentError: One of its kinds: it is not.
        """

    async def rest(self) -> None:
        """Close what was kept open between messages: nothing is due for now."""
