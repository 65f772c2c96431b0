"""When a message that was not taken is tried again, and when an endpoint is given up."""

import random
from dataclasses import dataclass
from datetime import timedelta

_S, _M, _H = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))


@dataclass(frozen=True)
class WebhookRetries:
    """How long, and how often.

    Attributes:
        delays: The wait before each attempt after the first.
        jitter: So much of a wait is added at random, so that many do not come together.
        longest_wish: A receiver's `Retry-After` counts up to this.
        disable_after: An endpoint that took nothing for so long is switched off.
        at_once: Messages under way to one endpoint.
        outage: After so many failures on end an endpoint is probed and not flooded.
        probe: The wait between probes after the first failure; doubled by each.
        longest_probe: No wait between probes is longer.
        worth_hurrying: After an outage that lasted so long what waited goes at once.
        poll: Seconds between looks at what is due.
        flush: Seconds within which results are written together.
    """

    delays: tuple[timedelta, ...] = (
        5 * _S, 5 * _M, 30 * _M, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H,
    )  # fmt: skip
    jitter: float = 0.1
    longest_wish: timedelta = timedelta(days=1)
    disable_after: timedelta = timedelta(days=5)
    at_once: int = 16
    outage: int = 3
    probe: timedelta = _S
    longest_probe: timedelta = _M
    worth_hurrying: timedelta = 5 * _M
    poll: float = 0.05
    flush: float = 0.01

    @property
    def attempts(self) -> int:
        """How many there are in all."""
        return 1 + len(self.delays)

    def delay(self, attempt: int, wish: timedelta | None = None) -> timedelta:
        """Return the wait after the attempt of this number, from 1.

        Args:
            attempt: The one that failed; there is one after it.
            wish: What the receiver asked for; the longer of both counts.
        """
        wait = self.delays[attempt - 1]
        wait += wait * random.uniform(0, self.jitter)  # noqa: S311 - no secret
        return wait if wish is None else max(wait, min(wish, self.longest_wish))

    def between_probes(self, failures: int) -> timedelta:
        """Return how long an endpoint is left alone after so many failures on end."""
        return min(self.longest_probe, self.probe * (1 << min(failures - 1, 20)))


STEADY = WebhookRetries()
