"""The records are compared each night, and at once after a stop that was not clean."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, select, update

from activities.database import open_engine, reading, transaction
from models.lifecycle import State
from models.tables import CaseRecord, ReconcileRun, table_of
from services.clock import new_id, now
from services.milestones import Calendar
from services.reconcile import Reconciler
from services.reconcile_runs import last_watermark, reconcile
from tests.factories import make_case
from tests.streams import until
from tests.workflow.world import World
from workers.reconcile import Reconciling, serve
from workflows import names


@pytest.fixture
def own_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "RECONCILE_QUEUE", new_id("reconcile"))
    monkeypatch.setattr(names, "RECONCILE_SCHEDULE", new_id("reconcile"))


@pytest.fixture
def audit(sqlite_urls: tuple[str, str]) -> Iterator[Engine]:
    engine = open_engine(sqlite_urls[1])
    yield engine
    engine.dispose()


def finished(engine: Engine) -> list[tuple[datetime | None, int]]:
    columns = table_of(ReconcileRun).c
    query = select(columns.watermark, columns.unrepaired).where(columns.finished_at.is_not(None))
    with reading(engine) as connection:
        return [(row.watermark, row.unrepaired) for row in connection.execute(query)]


@pytest.mark.usefixtures("own_schedule")
async def test_the_schedule_stands_and_a_run_leaves_its_row_and_watermark(
    world: World, audit: Engine, js: JetStreamContext, tmp_path: Path
) -> None:
    unclean = tmp_path / "unclean"
    reconciling = Reconciling(world.engine, audit, world.client, js)
    handle = world.client.get_schedule_handle(names.RECONCILE_SCHEDULE)
    async with serve(world.client, reconciling, unclean):
        described = await handle.describe()
        [calendar] = described.schedule.spec.calendars
        assert calendar.hour[0].start == 3
        assert described.schedule.spec.time_zone_name == "Asia/Shanghai"
        await asyncio.sleep(0.2)
        assert finished(world.engine) == []
    unclean.touch()
    async with serve(world.client, reconciling, unclean):
        await until(lambda: len(finished(world.engine)) == 1)
        assert not unclean.exists()
    [(watermark, left)] = finished(world.engine)
    assert left == 0
    assert watermark is not None
    assert last_watermark(world.engine) == watermark
    await handle.delete()


async def test_only_what_changed_since_the_last_clean_run_is_looked_at(
    world: World, audit: Engine, js: JetStreamContext
) -> None:
    make_case(world.engine, state=State.DRAFT)
    settled = make_case(world.engine, state=State.DRAFT)
    columns = table_of(CaseRecord).c
    with transaction(world.engine) as connection:  # long ago, and its workflow is gone
        before = now() - timedelta(days=2)
        connection.execute(
            update(CaseRecord).where(columns.id == settled).values(updated_at=before)
        )
        connection.execute(update(CaseRecord).where(columns.id != settled).values(updated_at=now()))
    reconciler = Reconciler(world.engine, audit, world.desk, js)
    calendar = Calendar(world.engine, world.desk)
    run = partial(reconcile, world.engine, reconciler, calendar)
    async with world.worker():
        assert (await run()).cases == 2
        assert (await run()).cases == 1
        assert (await run(everything=True)).cases == 2
