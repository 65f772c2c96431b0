"""Room on the disk of the state folder: what a start needs, and what the events may take of it."""

import shutil
from pathlib import Path

from workers.folder.places import Places

MIB = 1 << 20
NEEDED = {"NATS": 256 * MIB, "Temporal": 128 * MIB, "数据库": 128 * MIB}
"""Bytes that each store needs to begin with."""
LEAST_ROOM = sum(NEEDED.values())
FULL = 8 * MIB
"""Bytes free under which a disk counts as full: a store may still write into room that it has."""
ROOM_AGAIN = 64 * MIB
"""Bytes free after which a server whose disk was full is worth a new start."""


class NoRoom(Exception):
    """The disk of the state folder has too little room for a first start."""

    def __init__(self, root: Path, free: int) -> None:
        super().__init__(root, free)
        self.root, self.free = root, free


def free_bytes(places: Places) -> int:
    """Return the room on the disk of the folder, which need not exist yet."""
    there = next(path for path in (places.root, *places.root.parents) if path.exists())
    return shutil.disk_usage(there).free


def disk_is_full(places: Places) -> str | None:
    """Say so if the disk of the folder is full."""
    free = free_bytes(places)
    return f"no space left on the disk of {places.root}" if free < FULL else None


def room_for_events(places: Places) -> int:
    """Return the bytes that the events may take: half of what is free, the rest is for others."""
    return free_bytes(places) // 2


def require_room(places: Places) -> None:
    """Refuse a first start without room for it; whoever has data may always look at them.

    Raises:
        NoRoom: There is too little.
    """
    free = free_bytes(places)
    if free < LEAST_ROOM and not any(places.nats_store.glob("*")):
        raise NoRoom(places.root, free)


def needed_in_words() -> str:
    """Say how much is needed, and what for."""
    parts = "、".join(f"{name} {size // MIB} MB" for name, size in NEEDED.items())
    return f"至少需要 {LEAST_ROOM // MIB} MB（{parts}）"
