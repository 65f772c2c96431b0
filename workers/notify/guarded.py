"""Chat bots are reached within the bounds of webhooks, whatever address Apprise is given.

Apprise posts by requests, and requests connects by one function of urllib3. Where this task has
bounds, that function looks the name up once, judges each address, and tries what it has judged.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from ipaddress import ip_address
from typing import Any, NamedTuple

from urllib3.util import connection as urllib3_connection

from workers.outward.guard import Bounds, ForbiddenAddress


class _Watched(NamedTuple):
    bounds: Bounds
    refused: list[ForbiddenAddress]


_watched: ContextVar[_Watched | None] = ContextVar("watched", default=None)


@contextmanager
def within(bounds: Bounds) -> Iterator[list[ForbiddenAddress]]:
    """Let what this task connects to by urllib3 be within bounds, in its threads too.

    Yields:
        What was refused: Apprise keeps errors to itself.
    """
    _guard_urllib3()
    watched = _Watched(bounds, [])
    token = _watched.set(watched)
    try:
        yield watched.refused
    finally:
        _watched.reset(token)


@cache
def _guard_urllib3() -> None:
    """Put ourselves before the one function by which urllib3 connects, once."""
    connect = urllib3_connection.create_connection

    def guarded(address: tuple[str, int], *given: Any, **named: Any) -> socket.socket:  # noqa: ANN401 - urllib3's own
        watched = _watched.get()
        if watched is None:
            return connect(address, *given, **named)
        host, port = address
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        judged = [str(each[0]) for *_, each in found]
        try:
            for each in judged:
                watched.bounds.check(ip_address(each), port)
        except ForbiddenAddress as forbidden:
            watched.refused.append(forbidden)
            raise OSError(str(forbidden)) from forbidden  # what urllib3 expects of it
        for each in judged[:-1]:
            with suppress(OSError):
                return connect((each, port), *given, **named)
        return connect((judged[-1], port), *given, **named)

    urllib3_connection.create_connection = guarded
