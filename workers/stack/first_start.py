"""What a stack does once in its life: open the first season, so that there is something to see."""

import asyncio

import structlog
from sqlalchemy import Engine

from models.store.engine import opened_engine
from services.seasons.queries import has_seasons
from workers.settings.worker import WorkerSettings

log = structlog.get_logger()


async def open_first_season(settings: WorkerSettings) -> None:
    """Open the season with its labelled sample cases, unless the record holds a season."""
    with opened_engine(settings.database_url, pool_size=2) as engine:
        if not await asyncio.to_thread(has_seasons, engine):
            await _open(engine, settings)


async def _open(engine: Engine, settings: WorkerSettings) -> None:
    from services.demo.samples import first_start
    from workers.temporal_client import connect

    log.info("first_start")
    client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
    cases = await first_start(engine, client)
    log.info("first_start_done", cases=cases)
