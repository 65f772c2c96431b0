"""How slow this machine is just now. Every limit of time in the tests is stretched by it.

A limit is written as an idle machine of two cores needs it, generously. What it is worth on
the machine at hand, and beside whatever else runs there, is measured: once at the start, and
again as time goes on. `TEST_SLACK` is a factor that is known better than measured.
"""

import os
import subprocess
import sys
import time

REFERENCE_SECONDS = 0.045
"""What the sample takes on an idle machine of two cores."""
LONGEST = 20.0
"""A factor beyond this is an accident of the measurement."""
STALE_SECONDS = 20.0
LOOK_SECONDS = 5.0
VARIABLE = "TEST_SLACK"

_latest = _greatest = 1.0
_measured_at = float("-inf")


def slack(seconds: float, *, stale: float = STALE_SECONDS) -> float:
    """Return what a limit of an idle machine is on this one.

    The slowest moment so far counts: what begins in a calm one may end in another.

    Args:
        seconds: The limit.
        stale: Seconds after which the machine is measured again.
    """
    return seconds * max(factor(stale), _greatest)


def stretch(seconds: float) -> float:
    """Return how long something takes that is waited for to its end, as a deadline is.

    It is stretched by how slow the machine is just now, and not by its slowest moment.
    """
    return seconds * factor(stale=LOOK_SECONDS)


def factor(stale: float = STALE_SECONDS) -> float:
    """Return how many times slower than idle the machine is, at least 1."""
    global _latest, _greatest, _measured_at  # noqa: PLW0603 - the machine is one as well
    if known := os.environ.get(VARIABLE):
        return float(known)
    if time.monotonic() - _measured_at > stale:
        _latest = min(max(1.0, sample() / REFERENCE_SECONDS), LONGEST)
        _greatest = max(_greatest, _latest)
        _measured_at = time.monotonic()
    return _latest


def sample() -> float:
    """Return how long a bit of calculation and two processes take now, in seconds."""
    began = time.perf_counter()
    for _ in range(2):
        sum(n * n for n in range(400_000))
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
    return time.perf_counter() - began


class Limit:
    """A length of time that begins now. While the machine is slow it passes as slowly."""

    def __init__(self, seconds: float) -> None:
        self._left, self._seconds = seconds, seconds
        self._began = self._looked_at = time.monotonic()

    def passed(self) -> bool:
        """Tell whether it has passed. May take a while, in which the machine is measured."""
        since = time.monotonic() - self._looked_at
        if since > min(self._left, LOOK_SECONDS):
            self._left -= since / factor(stale=LOOK_SECONDS)
            self._looked_at += since
        return self._left <= 0

    def __str__(self) -> str:
        took = time.monotonic() - self._began
        return f"{took:.1f} s, where {self._seconds:g} s do on an idle machine"
