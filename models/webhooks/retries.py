"""When a webhook is tried again, and when its endpoint is disabled."""

from dataclasses import dataclass
from datetime import timedelta

_S, _M, _H = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))


@dataclass(frozen=True)
class WebhookRetries:
    """How long and how often messages are tried.

    Attributes:
        delays: The wait before each attempt after the first.
        jitter: Up to so much of a wait is added by chance, so that many do not come together.
        longest_retry_after: A receiver's `Retry-After` counts up to this.
        disable_after: An endpoint that accepted nothing for so long is disabled.
        at_once: Messages under way to one endpoint.
        outage: After so many failures in a row an endpoint is probed and not flooded.
        probe: The wait between probes after the first failure; doubled by each.
        longest_probe: No wait between probes is longer.
        worth_hurrying: After an outage that lasted so long what waited is sent at once.
        poll: Seconds between looks at what is due.
        flush: Seconds within which outcomes are written together.
        furthest: No message and no endpoint waits longer: what is due later was written by a
            wrong clock, and is due now.
    """

    delays: tuple[timedelta, ...] = (
        5 * _S, 5 * _M, 30 * _M, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H,
    )  # fmt: skip
    jitter: float = 0.1
    longest_retry_after: timedelta = timedelta(days=1)
    disable_after: timedelta = timedelta(days=5)
    at_once: int = 16
    outage: int = 3
    probe: timedelta = _S
    longest_probe: timedelta = _M
    worth_hurrying: timedelta = 5 * _M
    poll: float = 0.25
    flush: float = 0.01
    furthest: timedelta = timedelta(days=2)

    @property
    def attempts(self) -> int:
        """How many attempts there are in all."""
        return 1 + len(self.delays)

    def delay(
        self, attempt: int, retry_after: timedelta | None = None, *, chance: float
    ) -> timedelta:
        """Return the wait after the attempt of this number, from 1.

        Args:
            attempt: The one that failed; there is one after it.
            retry_after: What the receiver asked for; the longer of both counts.
            chance: Between 0 and 1: how much of the jitter is added.
        """
        wait = self.delays[attempt - 1] * (1 + self.jitter * chance)
        return wait if retry_after is None else max(wait, self.honoured(retry_after))

    def honoured(self, retry_after: timedelta) -> timedelta:
        """Return how much of a receiver's `Retry-After` counts."""
        return min(retry_after, self.longest_retry_after)

    def between_probes(self, failures: int) -> timedelta:
        """Return how long an endpoint is left alone after so many failures in a row."""
        return min(self.longest_probe, self.probe * (1 << min(failures - 1, 20)))


STEADY = WebhookRetries()
