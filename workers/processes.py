"""The processes of a stack: the one list of our workers, from which everything else derives.

Light to import: the command line reads it before it knows whether a worker is meant.
"""

from collections.abc import Mapping
from enum import StrEnum


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


def health_port(role: WorkerRole) -> str:
    """Return the name of the port on which a worker serves its health and metrics."""
    return f"{role}_health"
