"""Lives of cases that are worth keeping as histories: each takes another way."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from temporalio.client import WorkflowUpdateFailedError

from models.cases.actions.names import Action
from services.clock import now
from tests.waiting import until
from tests.workflow.cancelling import cancel, cancelled_in_a_commit
from tests.workflow.case import Case
from tests.workflow.world import World

A = Action

type Scenario = Callable[[World], Awaitable[Case]]


async def published(world: World) -> Case:
    """The full path, with a return, a correction and a moved deadline."""
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.RETURN_FOR_REVISION, A.SUBMIT, A.ACCEPT, A.RECOMMEND)
        await case.act(A.MOVE_DEADLINE, until=now() + timedelta(days=99))
        await case.act(A.REQUEST_CORRECTION)
        world.set_milestone("cutoff", now() - timedelta(hours=1))
        await case.walk(A.RESUBMIT, A.PASS_FORMAL_CHECK, A.SHORTLIST, A.SELECT, A.PUBLISH)
    return case


async def declined(world: World) -> Case:
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.ACCEPT, A.SEND_BACK, A.DECLINE)
        await case.handle.result()
    return case


async def ineligible(world: World) -> Case:
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.ACCEPT, A.RECOMMEND, A.FAIL_FORMAL_CHECK)
        await case.handle.result()
    return case


async def disqualified(world: World) -> Case:
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.ACCEPT)
        world.set_milestone("cutoff", now() - timedelta(hours=1))
        await case.walk(A.RECOMMEND, A.PASS_FORMAL_CHECK, A.SELECT, A.PUBLISH, A.DISQUALIFY)
        await case.handle.result()
    return case


async def withdrawn(world: World) -> Case:
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.WITHDRAW)
        await case.handle.result()
    return case


async def reminded_and_lapsed(world: World) -> Case:
    world.hurry(0.8, days_left=11)
    async with world.worker():
        case = await world.draft()
        await case.handle.result()
    assert case.actions.count(A.REMIND) > 1
    return case


async def correction_lapsed(world: World) -> Case:
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.ACCEPT, A.RECOMMEND)
        await case.due_soon(A.REQUEST_CORRECTION, "due")
        await case.handle.result()
    return case


async def reopened(world: World) -> Case:
    """A draft lapses, is reopened by a workflow started anew, and is withdrawn at last."""
    async with world.worker():
        case = await world.draft()
        await case.due_soon(A.MOVE_DEADLINE, "until")
        await case.handle.result()
        await case.act(A.REOPEN, until=now() + timedelta(days=9))
        await case.walk(A.SUBMIT, A.WITHDRAW)
        await case.handle.result()
    return case


async def overdue(world: World) -> Case:
    """A deadline passes, the case waits on; an older timer rings for nothing."""
    async with world.worker():
        case = await world.draft()
        await case.act(A.SUBMIT)
        await case.act(A.MOVE_DEADLINE, until=now() + timedelta(seconds=4))
        await case.due_soon(A.MOVE_DEADLINE, "until")
        await case.has_done(A.SUBMIT, A.MOVE_DEADLINE, A.MOVE_DEADLINE, A.EXPIRE)
        await case.rang(2)
        await case.act(A.ACCEPT)
    return case


async def untold(world: World) -> Case:
    """The clock is refused by the record: the dates were moved, and nobody told the case."""
    world.set_milestone("cutoff", now() + timedelta(seconds=2))
    async with world.worker():
        case = await world.draft()
        world.set_milestone("cutoff", now() + timedelta(days=30))
        await case.rang()
        await world.move("cutoff", now() + timedelta(days=20))
    return case


async def unknown_year(world: World) -> Case:
    world.forget_years()
    async with world.worker():
        case = await world.draft()
        await case.act(A.SUBMIT)
    return case


async def raced(world: World) -> Case:
    """Two updates let in together, the second of them refused after the first."""
    case = await world.draft()
    async with world.worker():
        await case.act(A.SUBMIT)
    first = await case.queued(A.ACCEPT, "req_1")
    second = await case.queued(A.DECLINE, "req_2")
    async with world.worker():
        await first
        outcome = (await asyncio.gather(second, return_exceptions=True))[0]
        assert isinstance(outcome, WorkflowUpdateFailedError)
    return case


async def refused_by_the_record(world: World) -> Case:
    async with world.worker():
        case = await world.draft()
        stale = case.command(A.SUBMIT).model_copy(update={"content": "sha256:other"})
        sent = await asyncio.gather(case.update(A.SUBMIT, "req_1", stale), return_exceptions=True)
        assert isinstance(sent[0], WorkflowUpdateFailedError)
        await case.act(A.SUBMIT)
    return case


async def reset_and_told(world: World) -> Case:
    """Reset to its beginning, nothing done again; then it is told to look at the record."""
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.ACCEPT)
        await case.reset(1, reapply=False)
        await world.service.catch_up(case.id)
        await case.act(A.RECOMMEND)
    return case


async def reset_and_adopting(world: World) -> Case:
    """Reset, updates done again; the first of them adopts what all of them did."""
    async with world.worker():
        case = await world.draft()
        await case.walk(A.SUBMIT, A.ACCEPT)
        await case.reset(1, reapply=True)
        await case.act(A.WITHDRAW)
        await case.handle.result()
    return case


async def from_the_record(world: World) -> Case:
    """Started anew in the middle of its life; a request of its first life comes again."""
    async with world.worker():
        case = await world.draft()
        await case.act(A.SUBMIT)
        moved = case.command(A.MOVE_DEADLINE)
        await case.update(A.MOVE_DEADLINE, "req_1", moved)
        await case.handle.terminate()
        await world.service.start(case.id)
        await case.update(A.MOVE_DEADLINE, "req_1", moved)
        await case.act(A.ACCEPT)
    return case


async def record_away(world: World) -> Case:
    """The record is locked until the wait for it has become a timer."""
    case = await world.draft()
    command = case.command(A.SUBMIT)
    with world.impatient() as engine:
        async with world.worker(engine):
            await until(case.began)
            with world.locked():
                asked = asyncio.create_task(case.update(A.SUBMIT, "req_1", command))
                await until(case.waits_for_the_record)
            await asked
    return case


async def continued(world: World) -> Case:
    """More events than one run may hold; the server must suggest new runs early."""
    async with world.worker():
        case = await world.draft()
        for _ in range(3):
            await case.walk(A.SUBMIT, A.RETURN_FOR_REVISION)
        await case.act(A.WITHDRAW)
        await case.handle.result()
    assert len(await case.runs()) > 1
    return case


async def cancel_asked(world: World) -> Case:
    """Somebody asks Temporal to cancel a case, which goes on by an update and by its clock."""
    async with world.worker():
        case = await world.draft()
        await cancel(case)
        await case.act(A.SUBMIT)
        await case.due_soon(A.MOVE_DEADLINE, "until")
        await case.has_done(A.SUBMIT, A.MOVE_DEADLINE, A.EXPIRE)
        await case.act(A.ACCEPT)
    return case


async def cancel_asked_in_a_commit(world: World) -> Case:
    with world.impatient() as engine:
        async with world.worker(engine):
            case = await cancelled_in_a_commit(world)
            await case.handle.result()
    return case


SCENARIOS: Mapping[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        published, declined, ineligible, disqualified, withdrawn, reminded_and_lapsed,
        correction_lapsed, overdue, untold, unknown_year, raced, refused_by_the_record,
        reset_and_told, reset_and_adopting, from_the_record, record_away, continued,
        cancel_asked, cancel_asked_in_a_commit, reopened,
    )
}  # fmt: skip
