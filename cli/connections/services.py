"""The connections of a command that acts on cases: the record and the workflows."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client

from cli.connections.databases import record
from cli.frame.options import options
from services.cases.service import CaseService
from workers.logs.setup import configure_logs
from workers.settings.worker import WorkerSettings
from workers.temporal_client import connect


@dataclass(frozen=True)
class Connections:
    """Everything that is needed to act on cases."""

    settings: WorkerSettings
    engine: Engine
    client: Client
    service: CaseService


@asynccontextmanager
async def open_connections() -> AsyncIterator[Connections]:
    """Open the record and connect to Temporal."""
    settings = options().settings()
    quiet_logs()
    with record() as engine:
        client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
        yield Connections(settings, engine, client, CaseService(engine, client))


def quiet_logs() -> None:
    """Keep log lines out of a command's output; only errors are written, to stderr."""
    configure_logs("tuixuan", level="error", stream=sys.stderr)


def connected[T](work: Callable[[Connections], Coroutine[Any, Any, T]]) -> T:
    """Connect, run `work`, and return its result."""

    async def run() -> T:
        async with open_connections() as here:
            return await work(here)

    return asyncio.run(run())
