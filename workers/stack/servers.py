"""The servers that a stack starts itself."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.folder.places import Places
from workers.processes import WorkerRole, health_port
from workers.servers.found import Binary, Running
from workers.servers.nats import find_nats
from workers.servers.temporal import FROM, find_temporal
from workers.settings.stack import StackSettings
from workers.stack import programs
from workers.stack.programs import Program

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Servers:
    """The binaries of the servers that we start; None: that server is external."""

    temporal: Path | None
    nats: Path | None

    def port_names(self) -> list[str]:
        """Return the names of the ports that our own servers and workers need."""
        names = ["temporal", "temporal_ui"] if self.temporal else []
        names += ["nats"] if self.nats else []
        return [*names, "portal", *map(health_port, WorkerRole)]

    def programs(self, namespace: str, ports: Mapping[str, int], places: Places) -> list[Program]:
        """Return the programs that serve."""
        own: list[Program] = []
        if self.temporal:
            own.append(programs.temporal(self.temporal, namespace, ports, places))
        if self.nats:
            own.append(programs.nats(self.nats, ports, places))
        return own


def find_servers(settings: StackSettings, say: Say) -> Servers:
    """Find or make the servers that are not external. May take minutes the first time.

    Raises:
        ServerMissing: One cannot be had.
    """
    environ = {
        **os.environ,
        "TEMPORAL_ADDRESS": settings.temporal.address or "",
        "NATS_URL": settings.nats.url or "",
        FROM: settings.temporal.origin,
    }
    return Servers(_path(find_temporal(environ, say=say)), _path(find_nats(environ)))


def _path(found: Running | Binary) -> Path | None:
    return found.path if isinstance(found, Binary) else None
