"""What a stack runs: each program with its command, and how to see that it serves."""

import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from models.stream.names import EVENTS
from workers.folder import readiness
from workers.folder.places import CHECKOUT, Places
from workers.folder.room import ROOM_AGAIN, free_bytes, room_for_events
from workers.processes import WorkerRole
from workers.servers.nats import NO_LIMIT, nats_command, own_nats_url, write_nats_conf
from workers.servers.nats_users import access, passwords
from workers.servers.ports import LOOPBACK
from workers.servers.temporal import temporal_command
from workers.stack import probes
from workers.stream.sizes import MAX_ADVISORIES_BYTES

type Probe = Callable[[int], Awaitable[str | None]]
"""Takes the pid and returns what is still missing; None: the process serves."""

WORKER_GRACE = 30.0
"""Seconds: a little longer than a worker gives its own work in hand."""
_SERVICE = re.compile(r'"service": "([a-z]+)"')
_HEAD_OF_LINE = 500
"""Characters of a line in which a worker says which it is."""
TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True)
class Program:
    """A program to keep alive.

    Attributes:
        name: Its name in logs and in `status`.
        command: What to run.
        missing: Its probe.
        ails: Asked while it serves: why it cannot do its work, or None.
        curable: Whether a new start would cure what it ails.
        environ: Its whole environment.
        folder: Where it runs; None: where we do.
        before: Called before each start.
        chatter: Tells which of its lines only go to its log.
        ends_loudly: Its lines after it was asked to end are kept only if it ends badly.
        stalled_after: Seconds without progress after which its first start has failed.
        start_within: Seconds until it must serve for the first time, however much it works.
        grace: Seconds between SIGTERM and SIGKILL.
        parts: What it consists of, each with where it serves its health and metrics over HTTP;
            empty: itself alone, which serves none.
    """

    name: str
    command: list[str]
    missing: Probe
    ails: Callable[[], Awaitable[str | None]] | None = None
    curable: Callable[[], bool] = bool
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    folder: Path | None = None
    before: Callable[[], object] = bool
    chatter: Callable[[str], bool] = lambda _line: False
    ends_loudly: bool = False
    stalled_after: float = 60.0
    start_within: float = 900.0
    grace: float = 10.0
    parts: Mapping[str, str | None] = field(default_factory=dict)

    def speaker(self, line: str) -> str:
        """Return which part wrote a line; what no part says of itself is the first one's."""
        if not self.parts:
            return self.name
        said = _SERVICE.search(line, 0, _HEAD_OF_LINE) if len(self.parts) > 1 else None
        return said[1] if said and said[1] in self.parts else next(iter(self.parts))

    @property
    def tethered(self) -> list[str]:
        """The command, bound to the life of this process."""
        return [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *self.command]


def temporal(binary: Path, namespace: str, ports: Mapping[str, int], places: Places) -> Program:
    """Return the embedded Temporal server."""
    port = ports["temporal"]
    command = temporal_command(
        binary.absolute(),
        db_file=Path(places.temporal_db.name),
        port=port,
        ui_port=ports["temporal_ui"],
        namespace=namespace,
        log_format="json",
    )
    return Program(
        name="temporal",
        command=command,
        missing=partial(probes.own_temporal, f"{LOOPBACK}:{port}", namespace),
        environ=_without_ours(),
        # It glues the file's name into an address: a folder's name might part one.
        folder=places.temporal_db.parent,
        ends_loudly=True,  # its parts complain about each other's orderly end
        start_within=120.0,
    )


def nats(binary: Path, ports: Mapping[str, int], places: Places) -> Program:
    """Return the embedded NATS server."""
    port = ports["nats"]
    url = own_nats_url(port)

    def write() -> None:
        known = passwords(places.nats_users, url)
        first = not any(places.nats_store.rglob(EVENTS))
        room = room_for_events(places) + MAX_ADVISORIES_BYTES
        write_nats_conf(
            places.nats_conf,
            port=port,
            store_dir=places.nats_store,
            access=access(known),
            max_store=room if first else NO_LIMIT,
        )

    return Program(
        name="nats",
        command=nats_command(binary, places.nats_conf),
        missing=partial(probes.own_nats, url, places),
        ails=partial(probes.nats_store, url, places),
        curable=lambda: free_bytes(places) >= ROOM_AGAIN,
        environ=_without_ours(),
        before=write,
        chatter=lambda line: "[INF]" in line,  # thirty lines and a banner at each start
    )


def worker(
    roles: Sequence[WorkerRole],
    places: Places,
    variables: Mapping[str, str],
    health_ports: Sequence[int],
) -> Program:
    """Return one of our workers.

    Args:
        roles: What it does.
        places: The files of the stack.
        variables: The addresses of the others, as variables of its environment.
        health_ports: Where each role serves its health and metrics.
    """
    ready = {str(role): places.ready_file(role) for role in roles}
    # -P: a folder `cli` in the current directory is not ours.
    command = [sys.executable, "-P", "-m", "cli", "worker", *roles]
    for port in health_ports:
        command += ["--health-port", str(port)]

    def clear() -> None:
        for file in ready.values():
            readiness.clear_ready(file)

    return Program(
        name="+".join(roles),
        command=[*command, "--state-dir", str(places.root)],
        missing=partial(probes.marked, ready),
        environ={**os.environ, **import_path(), **variables},
        before=clear,
        grace=WORKER_GRACE,
        parts={
            role: f"http://{LOOPBACK}:{port}"
            for role, port in zip(roles, health_ports, strict=True)
        },
    )


def import_path() -> dict[str, str]:
    """Return the environment in which a child imports what this process imports, anywhere."""
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def _without_ours() -> dict[str, str]:
    """Return the environment without our settings: servers have no use for our passwords."""
    ours = ("TUIXUAN_", "DATABASE_URL", "NATS_URL", "TEMPORAL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
