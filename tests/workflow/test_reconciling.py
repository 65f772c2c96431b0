"""The records are compared each night, and at once after a stop that was not clean."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, insert, select, update
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.worker import Worker

from models import tables
from models.cases.actions.names import Action
from models.store.engine import reading, transaction
from models.wording import BEIJING
from services.cases import workflows
from services.clock import new_id, now
from services.dates.milestones import Milestones
from services.reconcile.cases import read_open_cases
from services.reconcile.comparison import Reconciler
from services.reconcile.runs import last_watermark, recent_runs, reconcile
from tests.waiting import until
from tests.workflow.case import Case
from tests.workflow.world import World
from workers.cases.worker import sandbox
from workers.reconcile import ensure_schedule, make_activities, serve
from workers.stream.relay import Relay
from workflows import names
from workflows.reconcile import ReconcileWorkflow

THREE, NAUGHT = ScheduleRange(3, 3, 1), ScheduleRange(0, 0, 1)


@pytest.fixture
def own_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "RECONCILE_QUEUE", new_id("reconcile"))
    monkeypatch.setattr(names, "RECONCILE_SCHEDULE", new_id("reconcile"))


def finished(engine: Engine) -> list[tuple[datetime | None, int]]:
    columns = tables.reconcile_run.c
    query = select(columns.watermark, columns.unrepaired).where(columns.finished_at.is_not(None))
    with reading(engine) as connection:
        return [(row.watermark, row.unrepaired) for row in connection.execute(query)]


@pytest.fixture
async def schedule(own_schedule: None, world: World) -> AsyncIterator[ScheduleHandle]:
    """The handle of the test's own Schedule, which does not fire by itself in the test."""
    del own_schedule
    handle = await ensure_schedule(world.client)
    await handle.pause()
    yield handle
    await handle.delete()


async def test_the_schedule_stands_however_often_it_is_made(
    world: World, schedule: ScheduleHandle
) -> None:
    before = await schedule.describe()
    [at] = before.schedule.spec.calendars
    zone = before.schedule.spec.time_zone_name
    assert ([*at.hour], [*at.minute], [*at.second]) == ([THREE], [NAUGHT], [NAUGHT])
    assert zone == "Asia/Shanghai"
    assert {f"{each.astimezone(BEIJING):%H:%M:%S}" for each in before.info.next_action_times} == {
        "03:00:00"
    }
    await schedule.update(lambda stands: ScheduleUpdate(_hourly(stands.description.schedule)))
    assert (await schedule.describe()).schedule.spec.calendars == []  # the control
    again = await ensure_schedule(world.client)
    after = await again.describe()
    assert after.schedule.spec.calendars == before.schedule.spec.calendars
    assert after.schedule.spec.time_zone_name == zone
    assert after.schedule.spec.intervals == []
    assert after.schedule.state.paused  # an operator's word stands


async def test_a_night_leaves_its_row_and_watermark(
    world: World, audit: Engine, js: JetStreamContext, tmp_path: Path, schedule: ScheduleHandle
) -> None:
    activities = make_activities(world.engine, audit, world.client, js)
    async with serve(world.client, activities, tmp_path / "unclean"):
        await schedule.trigger()
        await until(lambda: len(finished(world.engine)) == 1)
    [(watermark, left)] = finished(world.engine)
    assert left == 0
    assert watermark is not None
    assert last_watermark(world.engine) == watermark
    [run] = recent_runs(world.engine)
    assert run.finished_at is not None
    assert (run.cases, run.differences, run.unrepaired) == (0, 0, 0)


async def test_after_an_unclean_stop_they_are_compared_though_a_dead_worker_had_begun(
    world: World, audit: Engine, js: JetStreamContext, tmp_path: Path, schedule: ScheduleHandle
) -> None:
    unclean = tmp_path / "unclean"
    unclean.touch()
    async with Worker(
        world.client,
        task_queue=names.RECONCILE_QUEUE,
        workflows=[ReconcileWorkflow],
        workflow_runner=sandbox(),
    ):
        await schedule.trigger()
        await _take_and_die(world.client)
    activities = make_activities(world.engine, audit, world.client, js)
    async with serve(world.client, activities, unclean):
        await until(lambda: len(finished(world.engine)) == 1)
        assert not unclean.exists()


async def _take_and_die(client: Client) -> None:
    """Take the comparison as a worker does, and never answer."""
    request = PollActivityTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=names.RECONCILE_QUEUE),
        identity="dead",
    )
    taken = await client.workflow_service.poll_activity_task_queue(request)
    assert taken.activity_type.name == names.RECONCILE


def _hourly(schedule: Schedule) -> Schedule:
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
    return replace(schedule, spec=spec)


async def test_only_what_changed_since_the_last_clean_run_is_looked_at(
    world: World, audit: Engine, js: JetStreamContext
) -> None:
    await world.draft()
    settled = (await world.draft()).id
    columns = tables.case_record.c
    with transaction(world.engine) as connection:  # long ago
        before = now() - timedelta(days=2)
        connection.execute(
            update(tables.case_record).where(columns.id == settled).values(updated_at=before)
        )
        connection.execute(
            update(tables.case_record).where(columns.id != settled).values(updated_at=now())
        )
    reconciler = Reconciler(world.engine, audit, world.service, js)
    milestones = Milestones(world.engine, world.service)
    run = partial(reconcile, world.engine, reconciler, milestones)
    async with world.worker():
        assert (await run()).cases == 2
        assert (await run()).cases == 1
        assert (await run(everything=True)).cases == 2


async def test_a_workflow_terminated_long_after_its_last_change_is_found_and_started_anew(
    world: World, audit: Engine, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows, "PAGE", 1)  # a list of several pages
    lately = now() - timedelta(hours=1)
    by_hand = Reconciler(world.engine, audit, world.service, None)
    with transaction(world.engine) as connection:
        clean = {"id": "run_1", "started_at": lately, "finished_at": lately, "watermark": lately}
        connection.execute(insert(tables.reconcile_run), clean)
    async with world.worker():
        lost, well = [await _settled(world, Action.SUBMIT) for _ in range(2)]
        draft, ended = await _settled(world), await _settled(world, Action.SUBMIT, Action.WITHDRAW)
        await ended.handle.result()
        for case in (lost, draft):
            await case.handle.terminate()
        await until(lambda: _lists(world, well))
        found = (await by_hand.run(0, since=lately)).differences
        assert {(each.case_id, each.kind, each.repaired) for each in found} == {
            (draft.id, "workflow_missing", True),  # nothing was ever done to it
            (lost.id, "workflow_missing", False),
        }
        assert await make_activities(world.engine, audit, world.client, js).reconcile() == 0
        night = recent_runs(world.engine)[0]
        assert (night.cases, night.differences, night.workflows_missing) == (0, 1, 1)
        await until(lambda: _lists(world, lost, draft, well))
        assert (await by_hand.run(0, since=lately)).differences == []
        await lost.act(Action.ACCEPT)
        await lost.agrees()


async def _settled(world: World, *actions: Action) -> Case:
    """Return a case that took its last step long ago."""
    case = await world.draft()
    await case.walk(*actions)
    cases, before = tables.case_record, now() - timedelta(days=2)
    with transaction(world.engine) as connection:
        connection.execute(update(cases).where(cases.c.id == case.id).values(updated_at=before))
    return case


async def _lists(world: World, *cases: Case) -> bool:
    """Whether Temporal lists these of the world's cases as running, and no others."""
    ours = set(read_open_cases(world.engine))
    return await world.service.running() & ours == {case.id for case in cases}


async def test_what_the_relay_leaves_lying_differs_until_it_is_published(
    world: World, audit: Engine, js: JetStreamContext
) -> None:
    reconciler = Reconciler(world.engine, audit, world.service, js)
    async with world.worker():
        case = await world.draft()
        assert (await reconciler.run(0)).ok
        await case.act(Action.SUBMIT)
        kinds = [found.kind for found in (await reconciler.run(0)).differences]
        assert kinds == ["not_announced"]
        await Relay(world.engine, js).drain()
        kinds = [found.kind for found in (await reconciler.run(0)).differences]
        assert kinds == ["audit_behind"]  # nobody witnesses here
        await case.act(Action.ACCEPT)
        for forged in ("77", "no-number"):
            await js.publish(f"tuixuan.v1.case.submitted.{case.id}.{forged}", b"forged")
        found = (await reconciler.run(0)).differences
        assert [each.kind for each in found] == ["stream_ahead", "not_announced", "audit_behind"]
        assert "[0, 77]" in found[0].message
