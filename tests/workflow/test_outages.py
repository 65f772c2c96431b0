"""The record is away for a while: whoever asks waits, and nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from models.cases.actions.names import Action
from models.store.engine import open_engine
from tests.servers import Postgres
from tests.waiting import until
from tests.workflow.temporal import Temporal
from tests.workflow.world import World

A = Action


class Failures:
    """Counts what a database answered with an error."""

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        event.listen(engine, "handle_error", self._note)

    def _note(self, _context: Any) -> None:
        self.count += 1

    async def several(self) -> bool:
        return self.count >= 3


async def test_a_locked_record_is_waited_for_without_holding_a_slot(world: World) -> None:
    case = await world.draft()
    command = case.command(A.SUBMIT)
    with world.impatient() as engine:
        failures = Failures(engine)
        async with world.worker(engine):
            await until(case.began)
            with world.locked():
                asked = asyncio.create_task(case.update(A.SUBMIT, "req_1", command))
                await until(case.waits_for_the_record)
                assert failures.count >= 3
                assert case.rows == []
            assert (await asked).seq == 1
            await case.agrees()


@pytest.fixture
def postgres_record(postgres_urls: tuple[str, str]) -> Iterator[Engine]:
    engine = open_engine(postgres_urls[0])
    yield engine
    engine.dispose()


@asynccontextmanager
async def _closed(server: Postgres, engine: Engine) -> AsyncIterator[None]:
    """Turn everybody away from a database, those who are connected too."""
    name = engine.url.database
    server._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server._execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='{name}'"  # noqa: S608 - a name of our own
    )
    yield
    server._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@pytest.mark.postgres
async def test_a_database_that_is_gone_is_waited_for(
    temporal: Temporal, postgres: Postgres, postgres_record: Engine, queue: str
) -> None:
    world = World(postgres_record, await temporal.client(), queue)
    world.open_season()
    failures = Failures(postgres_record)
    async with world.worker():
        case = await world.draft()
        await case.act(A.SUBMIT, update_id="req_1")
        command = case.command(A.ACCEPT)
        async with _closed(postgres, postgres_record):
            asked = asyncio.create_task(case.update(A.ACCEPT, "req_2", command))
            await until(failures.several)
        assert (await asked).seq == 2
        await case.agrees()
    assert case.actions == [A.SUBMIT, A.ACCEPT]
