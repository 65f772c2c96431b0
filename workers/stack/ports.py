"""Which ports a stack listens on."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.folder.places import Places
from workers.folder.report import read_json, write_json
from workers.servers.ports import free_port, port_is_free
from workers.settings.environment import PREFIX
from workers.settings.stack import StackSettings


@dataclass(frozen=True)
class NamedPort:
    """A port that people may ask for.

    Attributes:
        usual: The port to take if none was asked for and it is free.
        option: The option of `tuixuan up` that asks for another.
        section: The section of the settings in which it stands.
        setting: Its name in that section.
    """

    usual: int
    option: str
    section: str
    setting: str = "port"

    @property
    def variable(self) -> str:
        """The variable of the environment that asks for another."""
        return f"{PREFIX}{self.section}__{self.setting}".upper()

    def asked(self, settings: StackSettings) -> int | None:
        """Return the port that was asked for."""
        port: int | None = getattr(getattr(settings, self.section), self.setting)
        return port


PORTS: Mapping[str, NamedPort] = {
    "temporal": NamedPort(7233, "--temporal-port", "temporal"),
    "temporal_ui": NamedPort(8233, "--ui-port", "temporal", "ui_port"),
    "nats": NamedPort(4222, "--nats-port", "nats"),
    "portal": NamedPort(8080, "--portal-port", "portal"),
}
HEALTH = range(9464, 9500)
"""Where workers serve health and metrics; Prometheus exporters often use the first."""


class PortInUse(Exception):
    """A port that was asked for is in use."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(name, port)
        self.name, self.port = name, port


@contextlib.contextmanager
def chosen(
    names: Iterable[str], asked: Mapping[str, int | None], places: Places
) -> Iterator[dict[str, int]]:
    """Choose a port for each name, and reserve it among stacks for the length of a block.

    In this order: the one asked for; the one of last time; the usual one; any.

    Raises:
        PortInUse: One that was asked for is in use.
    """
    last = read_json(places.ports)
    with contextlib.ExitStack() as held:
        ports: dict[str, int] = {}
        for name in names:
            wanted = asked.get(name)
            usual = [PORTS[name].usual] if name in PORTS else HEALTH
            candidates = [wanted] if wanted else [last.get(name), *usual]
            port = next((p for p in candidates if isinstance(p, int) and _reserve(p, held)), None)
            if port is None and wanted:
                raise PortInUse(name, wanted)
            ports[name] = port or _reserve_any(held)
        write_json(places.ports, {**last, **ports})
        yield ports


def _reserve(port: int, held: contextlib.ExitStack) -> bool:
    """Reserve a port if it is free and no other stack is about to listen on it."""
    if not port_is_free(port):
        return False
    try:
        file = held.enter_context(_folder().joinpath(f"{port}.lock").open("w"))
    except OSError:  # another user owns the folder: other stacks cannot be told
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
    """Return the folder in which the stacks of one user tell each other which ports they hold."""
    folder = Path(tempfile.gettempdir(), f"tuixuan-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
