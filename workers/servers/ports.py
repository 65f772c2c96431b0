"""Ports on the loopback interface."""

import random
import socket

LOOPBACK = "127.0.0.1"
OURS = range(12_000, 32_000)
"""Above the usual ports of servers, below Linux's range of ephemeral ports."""

_CHANCE = random.SystemRandom()


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody listens on now.

    They are below the ephemeral range: otherwise an outgoing connection or the internal port
    of another server would often take one between this choice and its use.
    """
    found: list[int] = []
    while len(found) < count:
        port = _CHANCE.choice(OURS)
        if port not in found and port_is_free(port):
            found.append(port)
    return found


def free_port(preferred: int | None = None) -> int:
    """Return the preferred port if it is free, else another."""
    if preferred is not None and port_is_free(preferred):
        return preferred
    return free_ports(1)[0]
