"""The real dev server, one for each xdist worker, and a record of each test's own."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Engine

from models.store.engine import open_engine
from services.clock import new_id
from tests.workflow.temporal import Temporal, running_temporal
from tests.workflow.world import World
from workflows import names


@pytest.fixture(scope="session")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Temporal]:
    """The server that tests share; whoever kills one starts its own."""
    with running_temporal(tmp_path_factory.mktemp("temporal")) as server:
        yield server


@pytest.fixture
def record(sqlite_urls: tuple[str, str]) -> Iterator[Engine]:
    """A new record."""
    engine = open_engine(sqlite_urls[0])
    yield engine
    engine.dispose()


@pytest.fixture
def audit(sqlite_urls: tuple[str, str]) -> Iterator[Engine]:
    """The audit's own store, new."""
    engine = open_engine(sqlite_urls[1])
    yield engine
    engine.dispose()


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> str:
    """A task queue of the test's own: what others left open is not served here."""
    name = new_id(names.TASK_QUEUE)
    monkeypatch.setattr(names, "TASK_QUEUE", name)
    return name


@pytest.fixture
async def world(temporal: Temporal, record: Engine, queue: str) -> World:
    """A season that opened two weeks ago, and nobody at work yet."""
    world = World(record, await temporal.client(), queue)
    world.open_season()
    return world


@pytest.fixture
async def served(world: World) -> AsyncIterator[World]:
    """The same with a worker."""
    async with world.worker():
        yield world
