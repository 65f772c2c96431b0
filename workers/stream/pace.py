"""How a consumer of the stream works: batches, waits and delays."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConsumerPace:
    """How a consumer works; all in seconds, or counts.

    Attributes:
        batch: Messages asked for at once.
        fetch: How long one request waits for messages.
        silence: Requests without a message, until it subscribes anew (nats.py#504).
        redeliver: When an event that came too early comes again.
        gap: How long a missing event may take, until it is read from the record.
        backoff: The longest wait for an unavailable database.
    """

    batch: int = 64
    fetch: float = 2.0
    silence: int = 3
    redeliver: float = 1.0
    gap: float = 5.0
    backoff: float = 5.0


STEADY = ConsumerPace()
