"""What came of one attempt to send a webhook."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

_OVERLOADED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Answer:
    """A receiver's answer, or the lack of one.

    Attributes:
        at: When the attempt began.
        status: The HTTP status; None: there was no answer.
        latency_ms: Until status and headers were there, or the error.
        error: Why the message does not count as accepted; None: it does.
        head: How the answer begins, and why it was not read to its end.
        retry_after: How long the receiver asks to be left alone.
    """

    at: datetime
    status: int | None
    latency_ms: int
    error: str | None = None
    head: str | None = None
    retry_after: timedelta | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has the message."""
        return self.error is None

    @property
    def overloaded(self) -> bool:
        """Whether the receiver as a whole cannot take more now, and not this one message."""
        return self.status in _OVERLOADED

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == HTTPStatus.GONE
