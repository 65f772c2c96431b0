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
"""Seconds in which answers under way may end."""


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Listen on loopback for the length of a block; port 0: on any.

    Raises:
        PortTaken: somebody else listens there.
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
    """Answer whoever connects until `stop`; then end what is under way, and close."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would write whole addresses
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE,
    )
    logging.getLogger("uvicorn.access").setLevel(
        logging.CRITICAL
    )  # to whatever listens beside our own
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
    """Leaves signals to the process: every worker ends alike."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
