"""The processes of a stack: the one list of our workers, from which everything else derives.

Light to import: the command line reads it before it knows whether a worker is meant.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal


class WorkerRole(StrEnum):
    """What a worker does, in the order in which workers are started and listed."""

    CASES = "cases"
    RELAY = "relay"
    AUDIT = "audit"
    NOTIFY = "notify"
    WEBHOOK = "webhook"
    RECONCILE = "reconcile"
    PORTAL = "portal"


class Server(StrEnum):
    """A server that workers need."""

    DATABASE = "database"
    NATS = "nats"
    TEMPORAL = "temporal"


NEEDS: Mapping[WorkerRole, tuple[Server, ...]] = {
    WorkerRole.CASES: (Server.DATABASE, Server.TEMPORAL),
    WorkerRole.RELAY: (Server.DATABASE, Server.NATS),
    WorkerRole.AUDIT: (Server.DATABASE, Server.NATS),
    WorkerRole.NOTIFY: (Server.DATABASE, Server.NATS),
    WorkerRole.WEBHOOK: (Server.DATABASE, Server.NATS),
    WorkerRole.RECONCILE: (Server.DATABASE, Server.NATS, Server.TEMPORAL),
    WorkerRole.PORTAL: (Server.DATABASE,),
}
"""The servers without which a worker is not ready."""


type Processes = Literal["few", "each"]
"""How many processes a stack starts: a few that several roles share, or one for each role."""

_TOGETHER: Sequence[Sequence[WorkerRole]] = (
    (WorkerRole.CASES, WorkerRole.RECONCILE),  # both import Temporal's SDK
    (
        WorkerRole.RELAY, WorkerRole.AUDIT, WorkerRole.NOTIFY, WorkerRole.WEBHOOK,
        WorkerRole.PORTAL,
    ),
)  # fmt: skip


def groups(processes: Processes) -> Sequence[Sequence[WorkerRole]]:
    """Return the roles of each process that a stack starts."""
    return _TOGETHER if processes == "few" else [(role,) for role in WorkerRole]


def health_port(role: WorkerRole) -> str:
    """Return the name of the port on which a worker serves its health and metrics."""
    return f"{role}_health"
