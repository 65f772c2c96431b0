"""Where tests keep their files: in memory, where a machine has room for it.

Each commit of a database waits for its disk. On a busy machine that is most of what tests wait
for, and none of them asks what a power cut leaves.
"""

import os
import shutil
import tempfile
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
ROOM = 3 << 30
"""Bytes: more than all that lies there at once, for each of several processes."""
VARIABLE = "PYTEST_DEBUG_TEMPROOT"
"""Where pytest makes the folders of tests; whoever has set it is obeyed."""


def root() -> Path:
    """Return the folder in which temporary ones are made."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if os.access(IN_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(IN_MEMORY).free >= ROOM:
        return IN_MEMORY
    return Path(tempfile.gettempdir())
