"""One supervisor for each folder: a lock that the kernel releases when its holder dies."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from workers.folder.places import Places

PATIENCE = 1.0
"""Seconds to wait for the lock: `status` of another process holds it for a moment."""


class FolderInUse(Exception):
    """Another supervisor runs in this folder."""

    def __init__(self, root: Path, pid: int | None) -> None:
        super().__init__(root, pid)
        self.root, self.pid = root, pid


@contextlib.contextmanager
def hold(places: Places) -> Iterator[None]:
    """Hold the folder as its one supervisor for the length of a block.

    Raises:
        FolderInUse: Another supervisor holds it.
    """
    places.prepare()
    with places.lock.open("a+", encoding="ascii") as file:
        deadline = time.monotonic() + PATIENCE
        while not _take(file.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise FolderInUse(places.root, _pid(places))
            time.sleep(PATIENCE / 20)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def holder(places: Places) -> int | None:
    """Return the pid of the supervisor that runs in the folder, or None."""
    try:
        file = places.lock.open(encoding="ascii")
    except OSError:
        return None
    with file:
        if _take(file.fileno(), fcntl.LOCK_SH):
            return None
    return _pid(places)


def _take(fileno: int, kind: int) -> bool:
    try:
        fcntl.flock(fileno, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(places: Places) -> int | None:
    """Return the pid that the holder wrote; wait a moment if it has not written yet."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            return int(places.lock.read_text(encoding="ascii"))
        time.sleep(PATIENCE / 20)
    return None
