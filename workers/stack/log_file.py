"""A log file that is rotated by size, and opened anew when somebody moved it away."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Rotation:
    """When a file is set aside, and how many of its predecessors are kept."""

    most_bytes: int = 10 << 20
    kept: int = 5


USUAL = Rotation()


class LogFile:
    """Appends text to a file; OSError where the disk does not take it.

    Args:
        path: The file.
        rotation: Its limits.
        descriptors: Also lead these descriptors of our process to the file.
    """

    def __init__(self, path: Path, rotation: Rotation, descriptors: Sequence[int] = ()) -> None:
        self._path, self._rotation, self._descriptors = path, rotation, descriptors
        self._file: BinaryIO | None = None

    def write(self, text: str) -> None:
        """Append a text; it never begins in one file and ends in another."""
        data = text.encode(errors="replace")
        if self._is_elsewhere():
            self.reopen()
        file = self._file or self._open()
        if file.tell() and file.tell() + len(data) > self._rotation.most_bytes:
            self._rotate()
            file = self._open()
        file.write(data)

    def flush(self) -> None:
        """Do nothing: each text is written at once."""

    def isatty(self) -> bool:
        """Tell that nobody watches a file."""
        return False

    def reopen(self) -> None:
        """Open the file anew at the next text, after a program like logrotate moved it away."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _is_elsewhere(self) -> bool:
        """Tell whether the path leads to another file than the one that is open, or to none."""
        if self._file is None:
            return False
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return True

    def _open(self) -> BinaryIO:
        self._file = file = self._path.open("ab", buffering=0)
        for descriptor in self._descriptors:
            os.dup2(file.fileno(), descriptor)
        return file

    def _rotate(self) -> None:
        """Set the file aside as `.1`, its predecessor as `.2`, and so on."""
        self.close()
        if not self._rotation.kept:
            self._path.unlink(missing_ok=True)
            return
        for n in range(self._rotation.kept, 0, -1):
            older = self._numbered(n - 1) if n > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                older.replace(self._numbered(n))

    def _numbered(self, n: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{n}")
