"""Ports on the loopback interface."""

import random
import socket

LOOPBACK = "127.0.0.1"
OURS = range(12_000, 32_000)
"""Above what most servers use by default, below Linux's own range of passing ports."""

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

    They lie below those that systems hand out by themselves: between the choice and its
    use, another server's inner port or an outgoing connection would often take one.
    """
    found: list[int] = []
    while len(found) < count:
        port = _CHANCE.choice(OURS)
        if port not in found and port_is_free(port):
            found.append(port)
    return found


def free_port(preferred: int | None = None) -> int:
    """Return the preferred port if it is free, else another one."""
    if preferred is not None and port_is_free(preferred):
        return preferred
    return free_ports(1)[0]
