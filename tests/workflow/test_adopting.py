"""The record is ahead of the workflow: each way to come to that, really provoked."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from temporalio.client import (
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from services.clock import now
from services.unavailable import Unavailable
from tests.slack import stretch
from tests.waiting import until
from tests.workflow.case import Case, Pending
from tests.workflow.mortal_worker import DIED
from tests.workflow.temporal import Temporal, running_temporal
from tests.workflow.world import World

A, S = Action, State


@pytest.fixture
def own_temporal(tmp_path: Path) -> Iterator[Temporal]:
    """A server that the test may kill."""
    with running_temporal(tmp_path / "temporal") as server:
        yield server


@pytest.fixture
async def own_world(own_temporal: Temporal, record: Engine, queue: str) -> World:
    world = World(record, await own_temporal.client(), queue)
    world.open_season()
    return world


async def _dies_committing(case: Case, action: Action, update_id: str) -> Pending:
    """Let a worker die between its commit and the completion of its task."""
    seq = case.view.seq
    async with case.world.process() as worker:
        await until(case.began)
        asked: Pending = asyncio.create_task(case.update(action, update_id))
        assert await worker.wait() == DIED
    assert case.view.seq == seq + 1
    return asked


async def _forgets(server: Temporal, case: Case, asked: Pending) -> Case:
    """Kill the server and the client, so that nobody remembers the update."""
    server.kill()
    asked.cancel()
    with contextlib.suppress(WorkflowUpdateRPCTimeoutOrCancelledError, RPCError):
        await asked
    server.start()
    return Case(World(case.world.engine, await server.client(), case.world.queue), case.id)


async def test_the_update_is_delivered_again_and_finds_itself_done(world: World) -> None:
    case = await world.draft()
    first = await _dies_committing(case, A.SUBMIT, "req_1")
    second = await case.queued(A.WITHDRAW, "req_2")
    async with world.worker():
        await asyncio.gather(first, second)
        await case.agrees()
    assert [(row.action, row.update_id) for row in case.rows] == [
        (A.SUBMIT, "req_1"),
        (A.WITHDRAW, "req_2"),
    ]


async def test_another_update_adopts_what_nobody_remembers(
    own_temporal: Temporal, own_world: World
) -> None:
    case = await own_world.draft()
    asked = await _dies_committing(case, A.SUBMIT, "req_1")
    case = await _forgets(own_temporal, case, asked)
    assert case.view.state is S.PROVINCE_REVIEW
    second = await case.queued(A.WITHDRAW, "req_2")
    async with case.world.worker():
        snapshot = await second
        assert (snapshot.state, snapshot.seq) == (S.WITHDRAWN, 2)
        await case.agrees()
    assert [(row.action, row.source) for row in case.rows] == [
        (A.SUBMIT, S.DRAFT),
        (A.WITHDRAW, S.PROVINCE_REVIEW),
    ]


async def test_what_the_adopted_state_forbids_fails_and_the_case_goes_on(
    own_temporal: Temporal, own_world: World
) -> None:
    case = await own_world.draft()
    asked = await _dies_committing(case, A.SUBMIT, "req_1")
    case = await _forgets(own_temporal, case, asked)
    again = case.command(A.SUBMIT)
    async with case.world.worker():
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await case.update(A.SUBMIT, "req_2", again)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.details == ("not_in_this_state", 1)
        await case.act(A.ACCEPT)
        await case.agrees()
    assert case.actions == [A.SUBMIT, A.ACCEPT]


async def test_what_only_the_new_state_allows_is_done_at_the_first_asking(
    own_temporal: Temporal, own_world: World
) -> None:
    case = await own_world.draft()
    asked = await _dies_committing(case, A.SUBMIT, "req_1")
    case = await _forgets(own_temporal, case, asked)
    async with case.world.worker():
        assert (await case.act(A.ACCEPT)).seq == 2
        assert (await case.act(A.SUBMIT, update_id="req_1")).seq == 2  # its client asks again
        await case.agrees()
    assert case.actions == [A.SUBMIT, A.ACCEPT]


async def test_the_clock_adopts_too(own_temporal: Temporal, own_world: World) -> None:
    async with own_world.process() as worker:
        other = await own_world.draft()
        await until(other.began)
        due = now() + timedelta(seconds=stretch(3))
        own_world.set_milestone("cutoff", due)
        case = await own_world.draft()
        asked = asyncio.create_task(case.update(A.WITHDRAW, "req_1"))
        assert await worker.wait() == DIED
    case = await _forgets(own_temporal, case, asked)
    async with case.world.worker():
        assert (await case.handle.result())["state"] == S.WITHDRAWN
        await case.agrees()
    assert case.actions == [A.WITHDRAW]
    assert case.rows[0].at < due


@pytest.mark.parametrize("reapply", [True, False])
async def test_a_workflow_reset_to_an_earlier_point_catches_up(
    served: World, reapply: bool
) -> None:
    case = await served.draft()
    await case.walk(A.SUBMIT, A.RETURN_FOR_REVISION, A.SUBMIT, A.ACCEPT)
    await case.reset(2, reapply=reapply)
    assert (await case.act(A.RECOMMEND)).seq == 5
    await case.agrees()
    assert case.actions == [A.SUBMIT, A.RETURN_FOR_REVISION, A.SUBMIT, A.ACCEPT, A.RECOMMEND]


@pytest.mark.parametrize("reapply", [True, False])
async def test_after_a_reset_the_workflow_can_be_told_to_look(served: World, reapply: bool) -> None:
    case = await served.draft()
    await case.walk(A.SUBMIT, A.ACCEPT)
    await case.reset(1, reapply=reapply)
    assert (await served.service.catch_up(case.id)).seq == 2
    await case.agrees()


async def test_a_case_starts_anew_from_the_record(own_temporal: Temporal, own_world: World) -> None:
    case = await own_world.draft()
    async with own_world.worker():
        await case.act(A.SUBMIT, update_id="req_1")
        await case.act(A.RETURN_FOR_REVISION)
        await case.act(A.MOVE_DEADLINE, update_id="req_2")
    own_temporal.kill()
    own_temporal.lose_store()
    own_temporal.start()
    world = World(own_world.engine, await own_temporal.client(), own_world.queue)
    case = Case(world, case.id)
    with pytest.raises(Unavailable, match="workflow_missing"):
        await case.act(A.SUBMIT)
    async with world.worker():
        await world.service.start(case.id)
        await world.service.start(case.id)  # it runs: nothing happens
        await case.agrees()
        assert (await case.snapshot()).deadline == case.view.deadline
        assert (await case.act(A.SUBMIT, update_id="req_1")).seq == 3
        moved = case.rows[2]
        command = case.command(A.MOVE_DEADLINE).model_validate(moved.command)
        assert (await case.update(A.MOVE_DEADLINE, "req_2", command)).seq == 3
        assert (await case.act(A.SUBMIT)).seq == 4
        await case.agrees()


@pytest.mark.parametrize("past_the_desk", [False, True])
async def test_an_id_stands_for_one_thing(served: World, past_the_desk: bool) -> None:
    case = await served.draft()
    await case.act(A.MOVE_DEADLINE, update_id="req_1")
    await case.reset(1, reapply=False)
    if past_the_desk:
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await case.update(A.WITHDRAW, "req_1")
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.details[0] == "update_id_reused"
    else:
        with pytest.raises(Refused, match="update_id_reused"):
            await case.act(A.WITHDRAW, update_id="req_1")
    assert case.actions == [A.MOVE_DEADLINE]
    await served.service.catch_up(case.id)
    await case.agrees()
