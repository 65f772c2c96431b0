"""Files of JSON Lines: read, written, and appended to by one writer at a time."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from models.chain import canonical_json


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file; for one that cannot be read, `{"unreadable": text}`."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return [_parse(line) for line in text.split("\n")[:-1]]


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Write a new file; return how many lines it has."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, line in enumerate(lines, start=1):  # noqa: B007 - the number is the result
            file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
    return count


class LinesToAppend:
    """An open file of JSON Lines that nobody else writes to.

    Attributes:
        lines: Its lines, as `read_lines` returns them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        content = file.read()
        # A last line that a crash left unfinished never promised anything.
        complete = content[: content.rfind(b"\n") + 1]
        file.truncate(len(complete))
        text = complete.decode("utf-8", errors="replace")
        self.lines = [_parse(line) for line in text.split("\n")[:-1]]

    def append(self, line: Mapping[str, Any]) -> None:
        """Append a line; it is on the disk when this returns."""
        self._file.seek(0, os.SEEK_END)
        self._file.write(f"{canonical_json(line)}\n".encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(dict(line))


@contextmanager
def appending(path: Path) -> Iterator[LinesToAppend]:
    """Open a file for one writer, making it where there is none."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield LinesToAppend(file)


def _parse(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return {"unreadable": line}
