"""Which ports the servers of a stack listen on."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from workers.folder.places import Places
from workers.folder.report import read_json, write_json
from workers.servers.ports import free_port, port_is_free

PREFERRED: Mapping[str, int] = {
    "temporal": 7233,
    "temporal_ui": 8233,
    "nats": 4222,
    "nats_monitor": 8222,
    "portal": 8080,
}
HEALTH = range(9464, 9500)
"""Where workers answer about themselves; the first is what Prometheus exporters often use."""
SETTING: Mapping[str, tuple[str, str]] = {
    "temporal": ("--temporal-port", "TUIXUAN_TEMPORAL__PORT"),
    "temporal_ui": ("--ui-port", "TUIXUAN_TEMPORAL__UI_PORT"),
    "nats": ("--nats-port", "TUIXUAN_NATS__PORT"),
    "nats_monitor": ("--nats-monitor-port", "TUIXUAN_NATS__MONITOR_PORT"),
    "portal": ("--portal-port", "TUIXUAN_PORTAL__PORT"),
}
"""The option and the variable that ask for a port."""


class PortInUse(Exception):
    """A port that was asked for is in use."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(name, port)
        self.name, self.port = name, port


@contextlib.contextmanager
def chosen(
    names: Iterable[str], asked: Mapping[str, int | None], places: Places
) -> Iterator[dict[str, int]]:
    """Choose a port for each name and keep other stacks off it for the length of a block.

    In this order: the one asked for; the one of last time; the usual one; any.

    Raises:
        PortTaken: one that was asked for is in use.
    """
    last = read_json(places.ports)
    with contextlib.ExitStack() as held:
        ports: dict[str, int] = {}
        for name in names:
            wanted = asked.get(name)
            usual = [PREFERRED[name]] if name in PREFERRED else HEALTH
            wishes = [wanted] if wanted else [last.get(name), *usual]
            port = next((p for p in wishes if isinstance(p, int) and _reserve(p, held)), None)
            if port is None and wanted:
                raise PortInUse(name, wanted)
            ports[name] = port or _reserve_any(held)
        write_json(places.ports, {**last, **ports})
        yield ports


def _reserve(port: int, held: contextlib.ExitStack) -> bool:
    """Take a port that is free and that no other stack is about to listen on."""
    if not port_is_free(port):
        return False
    try:
        file = held.enter_context(_folder().joinpath(f"{port}.lock").open("w"))
    except OSError:  # somebody else owns the folder: no other stack of ours is told, that is all
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reserve_any(held: contextlib.ExitStack) -> int:
    while not _reserve(port := free_port(), held):
        pass
    return port


def _folder() -> Path:
    """Return where the stacks of one user tell each other which ports they hold."""
    folder = Path(tempfile.gettempdir(), f"tuixuan-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
