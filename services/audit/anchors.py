"""The anchors: the newest hash of the audit's chain, in a file outside of any database.

An anchor is written after each commit. It shows a tail that was cut off, or a chain that was
made anew. Whoever copies the file elsewhere can hold the chain against it.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class Anchor(NamedTuple):
    """The head of the chain at one moment."""

    n: int
    hash: str
    at: datetime


class AnchorFile:
    """The anchors, one line of JSON each; only ever appended to. The file need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, anchor: Anchor) -> None:
        """Write an anchor; it is on the disk when this returns."""
        line = json.dumps({"n": anchor.n, "hash": anchor.hash, "at": anchor.at.isoformat()})
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def mend(self) -> None:
        """Remove a last line that a crash left unfinished: it never promised anything."""
        if not self._path.exists():
            return
        with self._path.open("rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)

    def read(self) -> Iterator[tuple[int, str] | None]:
        """Yield place and hash of each anchor; None for a line that is none."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                anchor = _parse(line)
                if anchor is not None or line.endswith("\n"):
                    yield anchor


class AnchorHeight:
    """The highest place that was ever anchored; each call reads only what was added since."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._height = path, 0, 0

    def read(self) -> int:
        """Return the height; 0 for none. A file that became shorter is read anew."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._read:
            self._read = self._height = 0
        if size > self._read:
            with self._path.open("rb") as file:
                file.seek(self._read)
                lines = file.read().rpartition(b"\n")[0].split(b"\n")
            anchors = [_parse(line.decode(errors="replace")) for line in lines]
            self._height = max([self._height, *(each[0] for each in anchors if each)])
            self._read += sum(len(line) + 1 for line in lines) if any(lines) else 0
        return self._height


def _parse(line: str) -> tuple[int, str] | None:
    try:
        anchor = json.loads(line)
        return int(anchor["n"]), str(anchor["hash"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
