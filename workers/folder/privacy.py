"""Whether other accounts of the machine get into the state folder: personal data lie there."""

import stat
from pathlib import Path

from workers.folder.places import Places

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWN = 0o077
"""The umask of everything of ours: what it makes, its owner alone reads."""


class FolderOpen(Exception):
    """Other accounts can enter the state folder."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(path, mode)
        self.path, self.mode = path, mode


def open_folder(places: Places) -> FolderOpen | None:
    """Return the folder if others can enter it; None: they cannot, or there is none yet.

    A folder that was there keeps its mode: whoever made it may share it on purpose.
    """
    root = places.root
    mode = stat.S_IMODE(root.stat().st_mode) if root.is_dir() else 0
    return FolderOpen(root, mode) if mode & OTHERS else None


def require_private(places: Places, *, allowed: bool) -> None:
    """Refuse a folder that others can enter.

    Raises:
        FolderOpen: They can, and that was not allowed.
    """
    found = open_folder(places)
    if found is not None and not allowed:
        raise found
