"""Ask Temporal to cancel a case, as one click in its UI does."""

from datetime import timedelta

from models.cases.actions.names import Action
from services.clock import now
from tests.waiting import until
from tests.workflow.case import Case
from tests.workflow.world import World

NOTED = "收到取消流程的请求"
"""What the page of a case says from then on."""


async def cancel(case: Case) -> None:
    """Ask to cancel a case's workflow, and wait until the case has noted it."""
    await case.handle.cancel()

    async def noted() -> bool:
        return NOTED in await case.details()

    await until(noted)


async def cancelled_in_a_commit(world: World) -> Case:
    """Ask to cancel a draft at whose deadline the clock waits for the record."""
    left = timedelta(seconds=1)
    while True:
        case = await world.draft()
        await case.act(Action.MOVE_DEADLINE, until=now() + left)
        with world.locked():
            if case.actions == [Action.MOVE_DEADLINE]:
                await case.rang_under_way()
                await cancel(case)
                return case
        left *= 2  # this machine was too slow to take the lock in time
