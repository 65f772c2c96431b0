"""A request to cancel, one click in the Temporal UI, changes nothing: the case goes on."""

import asyncio

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from models.cases.actions.names import Action
from models.cases.states import State
from tests.workflow.cancelling import NOTED, cancel, cancelled_in_a_commit
from tests.workflow.world import World

A, S = Action, State


async def test_a_case_goes_on_by_an_update_and_by_a_timer(served: World) -> None:
    case = await served.draft()
    await cancel(case)
    await case.act(A.SUBMIT)
    assert NOTED in await case.details()
    await case.due_soon(A.MOVE_DEADLINE, "until")
    await case.has_done(A.SUBMIT, A.MOVE_DEADLINE, A.EXPIRE)
    await case.agrees()
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.RUNNING
    await case.act(A.WITHDRAW)
    assert (await case.handle.result())["state"] == S.WITHDRAWN
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    await case.agrees()


async def test_another_worker_takes_a_case_up_that_was_to_be_cancelled(world: World) -> None:
    async with world.worker():
        case = await world.draft()
        await cancel(case)
    async with world.worker():
        await case.act(A.SUBMIT)
        assert NOTED in await case.details()
        await case.handle.cancel()  # a second click
        await case.act(A.ACCEPT)
        await case.agrees()


async def test_a_request_before_the_first_task_changes_nothing(world: World) -> None:
    case = await world.draft()
    await case.handle.cancel()
    async with world.worker():
        await case.act(A.SUBMIT)
        assert NOTED in await case.details()
        await case.agrees()


async def test_a_request_in_the_midst_of_the_clocks_commit_leaves_one_line(world: World) -> None:
    with world.impatient() as engine:
        async with world.worker(engine):
            case = await cancelled_in_a_commit(world)
            assert (await case.handle.result())["state"] == S.LAPSED
            assert case.actions == [A.MOVE_DEADLINE, A.LAPSE]
            await case.agrees()
    events = [event.event_type for event in (await case.history()).events]
    assert events.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED) == 1
    assert events[-1] == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED


async def test_updates_under_way_are_answered(served: World) -> None:
    case = await served.draft()
    submitting = asyncio.create_task(case.act(A.SUBMIT))
    await asyncio.gather(case.handle.cancel(), submitting)
    assert case.view.state is S.PROVINCE_REVIEW
    await case.act(A.ACCEPT)
    await case.agrees()
