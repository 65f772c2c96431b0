"""The event stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.js import JetStreamContext

from services.unavailable import Unavailable
from workers.servers.nats_users import NatsUser
from workers.settings.worker import WorkerSettings
from workers.stream.connection import connect

PATIENCE = 5.0
"""Seconds to wait for NATS: a worker waits for ever, a person does not."""


@asynccontextmanager
async def stream(settings: WorkerSettings, name: str) -> AsyncIterator[JetStreamContext]:
    """Connect to JetStream as `name`.

    Raises:
        Unavailable: NATS does not answer.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            connection = await connect(settings.nats_as(NatsUser.OPERATOR), name)
    except TimeoutError as error:
        message = "NATS 没有应答。请执行 tuixuan status 查看。"
        raise Unavailable("nats_unavailable", message, retry=True) from error
    try:
        yield connection.jetstream(timeout=PATIENCE)
    finally:
        await connection.close()
