"""Whether a process that does not serve yet gets on: a slow machine is no reason to give up."""

import os
import time
from collections.abc import Callable
from pathlib import Path

LEAST_CPU = 0.2
"""Seconds of CPU that count as progress; a process that only waits uses less in a minute."""


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time of a process and of its ended children; None: nobody knows."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


class Progress:
    """Notes when a process last got on: it wrote a line, used CPU, or was started again.

    Args:
        cpu: Tells the CPU time of a pid.
        clock: Tells the time, in seconds.
    """

    def __init__(
        self,
        cpu: Callable[[int], float | None] = cpu_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cpu, self._clock = cpu, clock
        self._began = self._at = clock()
        self._pid: int | None = None
        self._used = 0.0

    @property
    def took(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    @property
    def silence(self) -> float:
        """Seconds since it last got on."""
        return self._clock() - self._at

    def note(self) -> None:
        """Note that it got on."""
        self._at = self._clock()

    def look(self, pid: int | None) -> None:
        """Look at the process as it is now; None: it is down, and others count its deaths."""
        used = None if pid is None else self._cpu(pid)
        if pid != self._pid or (used is not None and used - self._used >= LEAST_CPU):
            self._pid, self._used = pid, used or 0.0
            self.note()
