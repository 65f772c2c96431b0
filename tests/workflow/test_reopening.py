"""What a passed date ended comes back: by itself when the date moves on, or by the organiser."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.messages import CaseSnapshot
from models.cases.states import State
from models.refusals import Refused
from services.cases.standing import read_standing
from services.cases.workflows import CaseWorkflows
from services.clock import now
from services.dates.change import MilestoneChange
from services.dates.extensions import Extensions
from services.dates.milestones import Milestones
from services.seasons.cache import SeasonCache
from tests.waiting import until
from tests.workflow.case import Case
from tests.workflow.mortal_worker import DIED
from tests.workflow.world import SEASON, World

A, S = Action, State


async def lapsed(world: World) -> Case:
    """Return a draft whose date came and went."""
    case = await world.draft()
    await case.due_soon(A.MOVE_DEADLINE, "until")
    assert (await case.handle.result())["state"] == S.LAPSED
    return case


async def withdrawn_by_the_clock(world: World) -> Case:
    """Return a correction that did not come."""
    case = await world.draft()
    await case.walk(A.SUBMIT, A.ACCEPT, A.RECOMMEND)
    await case.due_soon(A.REQUEST_CORRECTION, "due")
    assert (await case.handle.result())["state"] == S.WITHDRAWN
    return case


async def test_a_lapsed_draft_comes_back_and_is_filed(served: World) -> None:
    case = await lapsed(served)
    until_ = now() + timedelta(days=3)
    view = await case.act(A.REOPEN, until=until_, update_id="req_back")
    assert (view.state, view.deadline, view.overdue) == (S.DRAFT, until_, False)
    assert {item.deadline for item in (await case.snapshot()).agenda.items} == {until_}
    assert (case.rows[-1].actor_role, case.rows[-1].reason) == ("organiser", "（示例）请补充数据。")
    await case.agrees()
    assert await case.act(A.REOPEN, until=until_, update_id="req_back") == case.view  # done before
    await case.act(A.SUBMIT)
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE, A.REOPEN, A.SUBMIT]
    await case.agrees()


async def test_a_correction_that_the_clock_withdrew_comes_back_and_is_filed(served: World) -> None:
    case = await withdrawn_by_the_clock(served)
    with pytest.raises(Refused, match="due_required"):
        await case.act(A.REOPEN)
    until_ = now() + timedelta(days=3)
    assert (await case.act(A.REOPEN, until=until_)).deadline == until_
    assert (await case.act(A.RESUBMIT)).state is S.FORMAL_CHECK
    assert case.actions[-3:] == [A.LAPSE, A.REOPEN, A.RESUBMIT]
    await case.agrees()


async def test_a_reopened_draft_lapses_again_and_comes_back_again(served: World) -> None:
    case = await lapsed(served)
    for times in (1, 2):
        await case.due_soon(A.REOPEN, "until")
        assert (await case.handle.result())["state"] == S.LAPSED
        assert case.actions == [A.MOVE_DEADLINE, A.LAPSE, *[A.REOPEN, A.LAPSE] * times]
        await case.agrees()


async def test_what_its_applicant_withdrew_stays_withdrawn(served: World) -> None:
    case = await served.draft()
    await case.walk(A.SUBMIT, A.WITHDRAW)
    await case.handle.result()
    with pytest.raises(Refused, match="not_lapsed"):
        await case.act(A.REOPEN, until=now() + timedelta(days=3))
    assert case.actions == [A.SUBMIT, A.WITHDRAW]


@pytest.mark.parametrize(
    ("role", "text", "days", "code"),
    [
        (Role.APPLICANT, "（示例）", 3, "role_not_allowed"),
        (Role.ORGANISER, " ", 3, "reason_required"),
        (Role.ORGANISER, "（示例）", -1, "due_in_past"),
    ],
)
async def test_a_refusal_starts_nothing(
    served: World, role: Role, text: str, days: int, code: str
) -> None:
    case = await lapsed(served)
    run = (await case.handle.describe()).run_id
    actor, ahead = Actor(role=role, id="x"), now() + timedelta(days=days)
    with pytest.raises(Refused, match=code):
        await case.act(A.REOPEN, actor=actor, text=text, until=ahead)
    assert (await case.handle.describe()).run_id == run
    assert case.view.state is S.LAPSED


async def test_a_workflow_that_refuses_to_reopen_ends_again(served: World) -> None:
    """Past the service, which asks the machine itself before it starts anything."""
    case = await lapsed(served)
    refused = case.command(A.REOPEN, until=now() - timedelta(days=1))
    standing = read_standing(served.engine, SeasonCache(), case.id, now())
    request = case.request(A.REOPEN)
    answer = await CaseWorkflows(served.client).ask_anew(standing, request, refused)
    assert not isinstance(answer, CaseSnapshot)
    assert answer.refused.code == "due_in_past"
    assert (await case.handle.result())["state"] == S.LAPSED
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    await case.agrees()


async def test_a_worker_that_dies_after_the_commit_loses_nothing(world: World) -> None:
    async with world.worker():
        case = await lapsed(world)
    until_ = now() + timedelta(days=3)
    async with world.process() as worker:
        asked = asyncio.create_task(case.act(A.REOPEN, until=until_))
        assert await worker.wait() == DIED
    assert case.view.state is S.DRAFT
    async with world.worker():
        assert (await asked).state is S.DRAFT
        await case.agrees()
        await case.act(A.SUBMIT)
        await case.agrees()


async def test_a_run_without_its_update_goes_on_where_the_record_stands(world: World) -> None:
    """The server forgets an update for which no task was completed; the run stays."""
    async with world.worker():
        case = await lapsed(world)
        before = read_standing(world.engine, SeasonCache(), case.id, now())
        await case.act(A.REOPEN, until=now() + timedelta(days=3))
        await case.handle.terminate()
        await CaseWorkflows(world.client).start(before)
        assert (await case.act(A.SUBMIT)).state is S.PROVINCE_REVIEW
        await case.agrees()


async def test_two_that_reopen_at_once_are_one_reopening(served: World) -> None:
    case = await lapsed(served)
    ahead = now() + timedelta(days=3)
    came = await asyncio.gather(
        *(case.act(A.REOPEN, until=ahead) for _ in range(2)), return_exceptions=True
    )
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE, A.REOPEN]
    refusals = [each for each in came if isinstance(each, Refused)]
    assert [each.code for each in refusals] == ["not_in_this_state"]
    await case.agrees()


async def test_a_second_one_of_the_title_came_meanwhile(served: World) -> None:
    case = await withdrawn_by_the_clock(served)
    unit = case.view.unit
    other = await served.draft(title=case.view.title)
    assert other.view.unit == unit
    await other.act(A.SUBMIT)
    with pytest.raises(Refused, match="duplicate_filing"):
        await case.act(A.REOPEN, until=now() + timedelta(days=3))
    await until(lambda: _ended(case))
    assert case.view.state is S.WITHDRAWN


async def _ended(case: Case) -> bool:
    return (await case.handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_a_date_of_yesterday_ends_nothing_unless_that_is_meant(served: World) -> None:
    """An open draft, and `season move cutoff <yesterday>`; then `--now`; then the right date."""
    case = await served.draft()
    yesterday, cutoff = now() - timedelta(days=1), case.view.deadline
    with pytest.raises(Refused, match=r"date_passed: .*1 件随即逾期终止"):
        await served.move_date("cutoff", yesterday)
    assert (case.view.state, case.view.deadline, case.rows) == (S.DRAFT, cutoff, [])

    closed = await served.move_date("cutoff", yesterday, closes=True)
    assert closed.cases == [case.id]
    assert (await case.handle.result())["state"] == S.LAPSED

    right = now() + timedelta(days=10)
    moved = await served.move_date("cutoff", right)
    assert (moved.cases, moved.reopened) == ([], [case.id])
    assert (case.view.state, case.view.deadline) == (S.DRAFT, right)
    assert (case.rows[-1].actor_role, case.rows[-1].reason) == ("organiser", "（示例）顺延")
    await case.act(A.SUBMIT)
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE, A.REOPEN, A.SUBMIT]
    await case.agrees()


async def test_a_move_that_was_cut_short_reopens_when_it_is_finished(served: World) -> None:
    case = await served.draft()
    await served.move_date("cutoff", now() - timedelta(days=1), closes=True)
    await case.handle.result()
    move = await served.move_date("cutoff", now() + timedelta(days=10))
    assert await Milestones(served.engine, served.service).apply(move.id) == ([], [], [])
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE, A.REOPEN]


async def test_what_a_bodys_own_cutoff_ended_comes_back_by_it(served: World) -> None:
    case = await served.draft()
    body = Actor(role=Role.BODY, id=case.view.body)
    milestones = Milestones(served.engine, served.service)
    cutoff = MilestoneChange(SEASON, "cutoff", now(), "（示例）", body, case.view.body, closes=True)
    await milestones.move(cutoff)
    await case.handle.result()
    moved = await milestones.move(replace(cutoff, after=now() + timedelta(days=3), closes=False))
    assert moved.reopened == [case.id]
    assert (case.rows[-1].action, case.rows[-1].actor_role) == (A.REOPEN, "season")
    await case.agrees()


async def test_an_extension_of_the_unit_or_the_case_brings_it_back(served: World) -> None:
    drafts = [await lapsed(served), await served.draft()]
    extensions, until_ = Extensions(served.engine, served.service), now() + timedelta(days=9)
    organiser = Actor(role=Role.ORGANISER, id="organiser")
    change = MilestoneChange(SEASON, "cutoff", until_, "（示例）台风", organiser)
    done = await extensions.extend_unit(drafts[0].view.unit, change)
    assert done == ([drafts[1].id], [drafts[0].id])
    assert [each.view.deadline for each in drafts] == [until_] * 2

    correction = await withdrawn_by_the_clock(served)
    request = replace(correction.request(A.MOVE_DEADLINE, until=until_), update_id="req_1")
    for _ in range(2):  # asked again, it is known
        assert (await extensions.extend_case(request)).state is S.CORRECTION
    assert correction.actions[-2:] == [A.LAPSE, A.REOPEN]
    for case in (*drafts, correction):
        await case.agrees()
