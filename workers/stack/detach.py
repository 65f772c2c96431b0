"""A stack in the background: start it and wait until it serves, or stop it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from workers.folder import lock
from workers.folder.places import Places
from workers.folder.report import StackReport, read_report
from workers.stack.programs import import_path
from workers.stack.up import OURS

LOOK_EVERY = 0.1
STOP_WITHIN = 120.0
"""Seconds: longer than all graces of a stack together."""
TAIL = 60
"""Lines of the log in which the reason of a failure is looked for."""
SHOWN = 15
"""Lines that are shown where there is none."""
PREFIXED = re.compile(r"[a-z]+ *\| ")
"""How the line of a process begins; what the supervisor says at its end has no such prefix."""


class DetachFailed(Exception):
    """The stack in the background did not come to serve.

    Attributes:
        exit_code: Its exit code.
        reason: What it said at its end; empty: nothing.
        last_lines: The last lines that it wrote before.
        log: The file with the rest.
    """

    def __init__(self, exit_code: int, lines: list[str], log: Path) -> None:
        super().__init__(exit_code, lines, log)
        self.exit_code, self.log = exit_code, log
        own = len(lines)
        while own and not PREFIXED.match(lines[own - 1]):
            own -= 1
        self.reason, self.last_lines = "\n".join(lines[own:]).strip(), lines[:own][-SHOWN:]


class StillRunning(Exception):
    """A supervisor was asked to stop and has not."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


def up_in_background(
    places: Places, flags: Sequence[str], progress: Callable[[str], None]
) -> StackReport:
    """Start `tuixuan up` in a session of its own and wait until all is ready.

    Args:
        places: The folder.
        flags: The other flags of `up`.
        progress: Called with the supervisor's own lines meanwhile.

    Raises:
        FolderInUse: Another supervisor runs here.
        DetachFailed: It ended before it was ready.
    """
    with lock.hold(places):  # a clear answer now is better than one in a log
        pass
    path = places.log_of("up")
    with path.open("a", encoding="utf-8") as log:
        begin = log.tell()
        process = _spawn(places, flags, log.fileno())
    follow = _Follower(path, begin, progress)
    try:
        while process.poll() is None:
            report = read_report(places)
            if report["pid"] == process.pid and report["ready"]:
                return report
            time.sleep(LOOK_EVERY)
            follow.read()
    except BaseException:  # Ctrl-C while we wait: it was not wanted after all
        process.terminate()
        process.wait()
        raise
    follow.read()
    raise DetachFailed(process.returncode, follow.lines, path)


def down(places: Places) -> bool:
    """Stop the stack of the folder and wait until it is gone; return False if none runs.

    Raises:
        StillRunning: It does not stop.
    """
    pid = lock.holder(places)  # the holder of our lock is ours; a pid alone may be any process
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN
    while lock.holder(places) == pid:
        if time.monotonic() > deadline:
            raise StillRunning(pid)
        time.sleep(LOOK_EVERY)
    return True


def _spawn(places: Places, flags: Sequence[str], log: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "cli", "up", "--state-dir", str(places.root), *flags]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, **import_path()},
    )


class _Follower:
    """Reads a log from where it was left, and passes on the supervisor's own lines."""

    def __init__(self, path: Path, begin: int, progress: Callable[[str], None]) -> None:
        self._path, self._at, self._progress = path, begin, progress
        self.lines: list[str] = []

    def read(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._at)
            *new, rest = file.read().split(b"\n")
            self._at = file.tell() - len(rest)
        for line in (raw.decode(errors="replace") for raw in new):
            self.lines.append(line)
            if line.startswith(OURS):
                self._progress(line)
        del self.lines[:-TAIL]
