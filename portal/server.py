"""The web server of the portal: listens on loopback, and stops cleanly."""

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from workers.servers.ports import LOOPBACK
from workers.stack.ports import PortInUse

BACKLOG = 128
GRACE = 5
"""Seconds for requests in progress to finish."""


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Listen on loopback for the length of a block; port 0 takes any free port.

    Raises:
        PortInUse: Another process listens there.
    """
    try:
        listener = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUse("portal", port) from error
    with listener:
        yield listener


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop`; then finish requests in progress, and close."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would log whole addresses, which are secrets
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE,
    )
    # Other handlers must not log addresses either.
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)
    server = _PortalServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving


class _PortalServer(uvicorn.Server):
    """Leaves signals to the process, so that every worker ends the same way."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield
