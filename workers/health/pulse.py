"""Whether the event loop of a process still turns."""

import asyncio
import time
from collections.abc import Callable

HUNG = 30.0
"""Seconds without a beat after which a loop counts as hung; no work of ours blocks it so long."""


class Pulse:
    """The beat of a loop; while it beats, the process works."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()

    @property
    def silence(self) -> float:
        """Seconds since the last beat."""
        return self._clock() - self._at

    @property
    def lives(self) -> bool:
        """Whether the last beat is recent enough."""
        return self.silence < HUNG

    async def beat(self, every: float = 1.0) -> None:
        """Beat on the running loop, until cancelled."""
        while True:
            self._at = self._clock()
            await asyncio.sleep(every)
