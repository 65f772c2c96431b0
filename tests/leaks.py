"""Sockets and files that a test leaves open are its own failure, and not that of a later one.

Python warns of them when it collects its garbage, which may be several tests later. So it is
collected at the end of a test after which more is open than before: of the others it costs
nothing.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def blamed() -> Iterator[None]:
    """Collect the garbage of a block that left descriptors open; pytest makes it a failure."""
    before = _open()
    yield
    if _open() > before:
        gc.collect()


def _open() -> int:
    try:
        return len(os.listdir(DESCRIPTORS))  # noqa: PTH208 - the quickest way, done twice a test
    except FileNotFoundError:  # no Linux: Python blames whom it finds
        return 0
