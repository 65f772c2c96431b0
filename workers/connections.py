"""A worker's connection to JetStream, and what happens when it ends for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.js import JetStreamContext

from workers.servers.nats_users import NatsLogin
from workers.stream.connection import connect

STREAM_TIMEOUT = 5.0
"""Seconds for one question to JetStream."""


class ConnectionLost(Exception):
    """A connection ended for good; the supervisor starts the process again."""


@asynccontextmanager
async def stream(at: NatsLogin, name: str) -> AsyncIterator[JetStreamContext]:
    """Connect to JetStream as `name`; cancel the block when the connection ends for good.

    Raises:
        ConnectionLost: The connection ended for good.
    """
    task = asyncio.current_task()
    leaving = lost = False

    def closed() -> None:
        nonlocal lost
        if not leaving and task is not None:
            lost = True
            task.cancel()

    connection = await connect(at, name, on_closed=closed)
    try:
        yield connection.jetstream(timeout=STREAM_TIMEOUT)
    except asyncio.CancelledError:
        if lost:
            raise ConnectionLost(name) from None
        raise
    finally:
        leaving = True
        await connection.close()
