"""Ports that nobody else takes, from before a server starts until after it has ended.

Between the choice of a free port and its use, and while a server is down that will come back,
another process could take it. A socket that is bound and does not listen keeps it: the kernel
gives the port to nobody who asks for any, and a server that asks for this one gets it.
"""

import socket
import weakref

from workers.folder.places import Places
from workers.folder.report import write_json
from workers.processes import WorkerRole, health_port
from workers.servers.ports import LOOPBACK
from workers.stack.ports import PORTS


class HeldPort:
    """A port of the loopback that is ours until `release`, or until nobody refers to this."""

    def __init__(self) -> None:
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        self.number: int = holder.getsockname()[1]
        self.release = weakref.finalize(self, holder.close)


class StackPorts:
    """The ports of a whole system, held as long as its test needs them."""

    def __init__(self, places: Places) -> None:
        """Let the folder remember them as those of last time, so that `up` takes them."""
        names = [*PORTS, *map(health_port, WorkerRole)]
        self._held = {name: HeldPort() for name in names}
        places.prepare()
        write_json(places.ports, {name: held.number for name, held in self._held.items()})
