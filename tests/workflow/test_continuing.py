"""A long life goes on in a new run, and nothing of it is lost or done twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from services.clock import new_id, now
from tests.slack import stretch
from tests.waiting import until
from tests.workflow.cancelling import NOTED, cancel
from tests.workflow.case import Case
from tests.workflow.older import OlderWorkflow
from tests.workflow.temporal import Temporal, running_temporal
from tests.workflow.world import World
from workers.cases import worker
from workflows import names

A, S = Action, State

LIMIT = 20
"""Events after which the server suggests a new run; it is 4,096 in production."""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Temporal]:
    setting = f"limit.historyCount.suggestContinueAsNew={LIMIT}"
    with running_temporal(tmp_path_factory.mktemp("impatient"), setting) as server:
        yield server


@pytest.fixture
async def served(impatient: Temporal, record: Engine, queue: str) -> AsyncIterator[World]:
    world = World(record, await impatient.client(), queue)
    world.open_season()
    async with world.worker():
        yield world


async def _next_run(case: Case) -> None:
    """Do things that leave no mark until the case goes on in another run."""
    before = len(await case.runs())
    while len(await case.runs()) == before:
        await case.world.service.catch_up(case.id)


async def test_everything_is_carried_over(served: World) -> None:
    case = await served.draft()
    await case.walk(A.SUBMIT, A.RETURN_FOR_REVISION, A.SUBMIT, A.ACCEPT)
    await case.act(A.MOVE_DEADLINE, until=now() + timedelta(days=60))
    before = await case.snapshot()
    page = await case.details()
    attributes = (await case.handle.describe()).typed_search_attributes
    await _next_run(case)
    described = await case.handle.describe()
    assert await case.snapshot() == before
    assert await case.details() == page
    assert page.startswith(f"**{before.title}**")  # the SDK carries no static summary over
    for name in names.SEARCH_ATTRIBUTES:
        found = {p.key.name: p.value for p in described.typed_search_attributes}
        assert found[name] == {p.key.name: p.value for p in attributes}[name]
    await case.act(A.RECOMMEND)
    await case.agrees()
    assert len(await case.runs()) > 2


async def test_a_new_run_begins_with_what_the_record_says(
    impatient: Temporal, record: Engine, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(record, await impatient.client(), queue)
    world.open_season()
    monkeypatch.setattr(worker, "CaseWorkflow", OlderWorkflow)
    async with world.worker():
        case = await world.draft()
        before = await case.snapshot()
        await _next_run(case)

        async def is_whole() -> bool:
            return await case.snapshot() == before

        await until(is_whole)
        await case.agrees()


async def test_no_update_is_lost_between_two_runs(served: World) -> None:
    case = await served.draft()
    gate = asyncio.Semaphore(8)  # the server takes ten at a time

    async def move(n: int) -> None:
        async with gate:
            until = now() + timedelta(days=20 + n)
            await case.act(A.MOVE_DEADLINE, update_id=f"req_{n}", until=until)

    await asyncio.gather(*(move(n) for n in range(40)))
    await case.agrees()
    assert {row.update_id for row in case.rows} == {f"req_{n}" for n in range(40)}
    assert case.view.seq == 40
    assert len(await case.runs()) > 3


async def test_a_deadline_outlives_its_run(served: World) -> None:
    case = await served.draft()
    due = now() + timedelta(seconds=stretch(4))
    await case.act(A.MOVE_DEADLINE, until=due)
    await _next_run(case)
    assert now() < due
    assert (await case.handle.result())["state"] == S.LAPSED
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE]
    assert case.rows[-1].at >= due
    await case.agrees()


async def test_a_request_to_cancel_ends_with_its_run(served: World) -> None:
    case = await served.draft()
    await cancel(case)
    await _next_run(case)
    assert NOTED not in await case.details()
    await case.act(A.SUBMIT)
    await case.agrees()


async def test_a_request_repeated_in_the_next_run_is_not_done_again(served: World) -> None:
    case = await served.draft()
    moved = case.command(A.MOVE_DEADLINE)
    first = await case.update(A.MOVE_DEADLINE, "req_1", moved)
    await case.act(A.SUBMIT, update_id="req_2")
    await _next_run(case)
    again = await case.update(A.MOVE_DEADLINE, "req_1", moved)
    assert (again.seq, again.state) == (2, S.PROVINCE_REVIEW)
    assert first.seq == 1
    assert (await case.act(A.SUBMIT, update_id="req_2")).seq == 2
    assert case.actions == [A.MOVE_DEADLINE, A.SUBMIT]
    await case.agrees()


async def test_a_case_that_ends_while_it_should_go_on_ends(served: World) -> None:
    case = await served.draft()
    for _ in range(3):
        await asyncio.gather(*(served.service.catch_up(case.id) for _ in range(4)))
    await case.act(A.WITHDRAW, update_id=new_id("req"))
    assert (await case.handle.result())["state"] == S.WITHDRAWN
    await case.agrees()
