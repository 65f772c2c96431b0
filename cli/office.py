"""What a command works with: the record, and the way to the workflows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url
from temporalio.client import Client

from activities.database import open_engine
from cli.options import options
from services.cases import CaseDesk
from services.views import Unavailable
from workers.settings import WorkerSettings
from workers.temporal_client import connect


@dataclass(frozen=True)
class Office:
    """Everything that acting on cases needs."""

    settings: WorkerSettings
    engine: Engine
    client: Client
    desk: CaseDesk


@contextmanager
def record() -> Iterator[Engine]:
    """Open the record for a command; the workflows need not be running.

    Raises:
        Unavailable: There is none yet.
    """
    with _opened(options().settings().database_url) as engine:
        yield engine


@contextmanager
def audit_store() -> Iterator[Engine]:
    """Open the audit's own store.

    Raises:
        Unavailable: There is none yet.
    """
    with _opened(options().settings().audit_database_url) as engine:
        yield engine


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    """Open the record and connect to the workflows' server."""
    settings = options().settings()
    with record() as engine:
        client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
        yield Office(settings, engine, client, CaseDesk(engine, client))


def at_the_office[T](work: Callable[[Office], Coroutine[Any, Any, T]]) -> T:
    """Run `work` with an office, and return what it returns."""

    async def run() -> T:
        async with office() as here:
            return await work(here)

    return asyncio.run(run())


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        # SQLite would make an empty file, and the first start would not be the first.
        message = f"还没有数据：{parsed.database} 不存在。请先执行 tuixuan up。"
        raise Unavailable("no_record_yet", message)
    engine = open_engine(url, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()
