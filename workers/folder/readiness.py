"""How a worker tells the supervisor that it is ready: a file that holds its pid."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def mark_ready(path: Path) -> None:
    """Mark this process as ready."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(str(os.getpid()), encoding="ascii")
    partial.replace(path)


def clear_ready(path: Path) -> None:
    """Remove the mark."""
    path.unlink(missing_ok=True)


@contextlib.contextmanager
def marked_ready(path: Path) -> Iterator[None]:
    """Mark this process as ready for the length of a block."""
    mark_ready(path)
    try:
        yield
    finally:
        if is_marked(path, os.getpid()):
            clear_ready(path)


def is_marked(path: Path, pid: int) -> bool:
    """Tell whether the process with this pid is marked as ready."""
    try:
        return path.read_text(encoding="ascii") == str(pid)
    except OSError:
        return False
