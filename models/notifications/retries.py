"""When a delivery is tried again, and when it is set aside."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class DeliveryRetries:
    """How long and how often deliveries are tried.

    Attributes:
        attempts: After so many a delivery is set aside as failed.
        first: The wait after the first attempt; each further one is twice as long.
        longest: No wait is longer.
        lease: How long a delivery is left to the sender that took it; after that the
            sender is believed dead. Longer than any attempt takes.
        poll: How often to look for due deliveries when nothing else wakes the sender.
        unavailable: How long to leave an unavailable server alone.
        furthest: Nothing waits longer, not for quiet hours and a digest either: what is due
            later was written by a wrong clock, and is due now.
    """

    attempts: int = 12
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(minutes=1)
    poll: timedelta = timedelta(seconds=1)
    unavailable: timedelta = timedelta(seconds=5)
    furthest: timedelta = timedelta(days=3)

    def delay(self, attempts: int) -> timedelta:
        """Return the wait after the attempt of this number, from 1."""
        return min(self.longest, self.first * (1 << min(attempts - 1, 20)))
