"""What a start of the whole stack costs: the time until it serves, the memory of our processes."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.processes import WorkerRole

MIB = 1024**2
MODES = ("few", "each")
"""What `TUIXUAN_PROCESSES` can be."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Start:
    """One start of a stack that was there before.

    Attributes:
        seconds: From the command until all serve.
        rss: Resident bytes of the supervisor and the workers together.
        processes: How many those are.
    """

    seconds: float
    rss: int
    processes: int


@dataclass(frozen=True)
class Starts:
    """The median of several starts, alternating with those of the other mode."""

    seconds: float
    rss_mib: float
    processes: int

    @classmethod
    def of(cls, starts: Sequence[Start]) -> "Starts":
        """Return the medians."""
        return cls(
            statistics.median(each.seconds for each in starts),
            statistics.median(each.rss for each in starts) / MIB,
            starts[0].processes,
        )


def measure_starts(folder: Path, turns: int) -> dict[str, Starts]:
    """Start a stack with few processes and one with a process for each role, by turns.

    Args:
        folder: Where both have their state; each was started once before anything counts.
        turns: Starts of each.
    """
    found: dict[str, list[Start]] = {mode: [] for mode in MODES}
    for turn in range(turns + 1):
        for mode in MODES:
            with _started(folder / f"start-{mode}", mode) as start:
                if turn:
                    found[mode].append(start)
    return {mode: Starts.of(starts) for mode, starts in found.items()}


@contextmanager
def _started(folder: Path, mode: str) -> Iterator[Start]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("TUIXUAN_")}
    environ["TUIXUAN_PROCESSES"] = mode
    began = time.monotonic()
    report = _run(("up", "--detach", "--empty"), folder, environ)
    seconds = time.monotonic() - began
    try:
        pids = {each["pid"] for each in report["processes"] if each["name"] in set(WorkerRole)}
        pids.add(report["pid"])
        yield Start(seconds, sum(map(_rss, pids)), len(pids))
    finally:
        _run(("down",), folder, environ)


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    told = [*command, "--output", "json", "--state-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "cli", *told],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    said: dict[str, Any] = json.loads(done.stdout or "{}")
    return said


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
