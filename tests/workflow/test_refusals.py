"""What is refused leaves no trace; what is refused after a race fails alone."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.refusals import Refused
from services.cases.requests import Request
from services.clock import new_id, now
from tests.workflow.case import Case
from tests.workflow.world import World
from workflows import names

A, S = Action, State

type Attempt = tuple[Action, dict[str, Any], str]
"""What is tried, how, and the code of its refusal."""

NOBODY = {"reason": None}
ORGANISER = {"actor": Actor(role=Role.ORGANISER, id="organiser")}
OTHER_BODY = {"actor": Actor(role=Role.BODY, id="guangdong", org="guangdong")}
LATE = {"due": now() - timedelta(minutes=1)}
NEVER = {"due": now() + timedelta(days=400)}

STAGES: tuple[tuple[State, Action, tuple[Attempt, ...]], ...] = (
    (S.DRAFT, A.SUBMIT, (
        (A.ACCEPT, {}, "not_in_this_state"),
        (A.SUBMIT, ORGANISER, "role_not_allowed"),
        (A.MOVE_DEADLINE, {"until": now() - timedelta(minutes=1)}, "due_in_past"),
    )),
    (S.PROVINCE_REVIEW, A.ACCEPT, (
        (A.SUBMIT, {}, "not_in_this_state"),
        (A.ACCEPT, {"answers": {}}, "screening_unanswered"),
        (A.ACCEPT, OTHER_BODY, "not_yours"),
        (A.RETURN_FOR_REVISION, NOBODY, "remarks_required"),
        (A.RETURN_FOR_REVISION, LATE, "due_in_past"),
        (A.RETURN_FOR_REVISION, NEVER, "due_after_cutoff"),
        (A.DECLINE, NOBODY, "reason_required"),
    )),
    (S.RECOMMENDATION, A.RECOMMEND, (
        (A.ACCEPT, {}, "not_in_this_state"),
        (A.RECOMMEND, ORGANISER, "role_not_allowed"),
        (A.SEND_BACK, OTHER_BODY, "not_yours"),
    )),
    (S.FORMAL_CHECK, A.REQUEST_CORRECTION, (
        (A.PASS_FORMAL_CHECK, {}, "cutoff_not_passed"),
        (A.REQUEST_CORRECTION, {"due": None}, "due_required"),
        (A.FAIL_FORMAL_CHECK, NOBODY, "reason_required"),
        (A.WITHDRAW, {}, "consent_required"),
    )),
    (S.CORRECTION, A.RESUBMIT, (
        (A.SUBMIT, {}, "not_in_this_state"),
        (A.RESUBMIT, ORGANISER, "role_not_allowed"),
    )),
    (S.FORMAL_CHECK, A.PASS_FORMAL_CHECK, ((A.RESUBMIT, {}, "not_in_this_state"),)),
    (S.EXPERT_REVIEW, A.SHORTLIST, (
        (A.PUBLISH, {}, "not_in_this_state"),
        (A.SHORTLIST, ORGANISER, "role_not_allowed"),
    )),
    (S.ORAL_DEFENSE, A.SELECT, ((A.SHORTLIST, {}, "not_in_this_state"),)),
    (S.PUBLICATION, A.PUBLISH, (
        (A.PUBLISH, ORGANISER, "role_not_allowed"),
        (A.DISQUALIFY, {"objection": None}, "objection_required"),
        (A.WITHDRAW, {}, "not_in_this_state"),
    )),
    (S.PUBLISHED, A.DISQUALIFY, ((A.WITHDRAW, {}, "not_in_this_state"),)),
)  # fmt: skip


async def test_a_refusal_at_any_stage_leaves_no_trace(served: World) -> None:
    case = await served.draft()
    await case.snapshot()
    for state, onward, attempts in STAGES:
        assert case.view.state is state
        before = await case.length()
        for action, fields, code in attempts:
            await _is_refused(case, action, fields, code)
        assert await case.length() == before, state
        if onward is A.RESUBMIT:
            served.set_milestone("cutoff", now() - timedelta(hours=1))
        await case.act(onward)
    await case.agrees()
    assert len(case.rows) == len(STAGES)


async def _is_refused(case: Case, action: Action, fields: dict[str, Any], code: str) -> None:
    command = case.command(action).model_copy(update=fields)
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await case.update(action, new_id("req"), command)
    refusal = failed.value.cause
    assert isinstance(refusal, ApplicationError)
    assert (refusal.type, refusal.details) == (names.REFUSED, (code, case.view.seq))
    assert any("一" <= character <= "鿿" for character in refusal.message)


async def test_what_the_desk_refuses_leaves_no_trace(served: World) -> None:
    case = await served.draft(summary="字" * 501)
    await case.snapshot()
    before = await case.length()
    with pytest.raises(Refused, match=r"form_incomplete: 申报表未通过检查.*简介"):
        await case.act(A.SUBMIT)
    with pytest.raises(Refused, match="text_too_long"):
        await case.act(A.SUBMIT, text="字" * 5001)
    with pytest.raises(Refused, match="bad_field"):
        await case.act(A.SUBMIT, colour="blue")
    with pytest.raises(Refused, match=r"role_not_allowed: 角色评审组 \(panel\)不能.*只有"):
        await case.act(A.WITHDRAW, actor=Actor(role=Role.PANEL, id="panel"))
    with pytest.raises(Refused, match="unknown_case: 没有案例"):
        await served.service.act(Request("case_none", A.SUBMIT))
    assert await case.length() == before
    assert case.rows == []


async def test_a_form_changed_under_way_is_refused_by_the_record(served: World) -> None:
    case = await served.draft()
    sent = case.command(A.SUBMIT).model_copy(update={"content": "sha256:other"})
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await case.update(A.SUBMIT, "req_1", sent)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.details[0] == "revision_changed"
    assert case.rows == []
    await case.act(A.SUBMIT)
    await case.agrees()


async def test_one_title_is_filed_once(served: World) -> None:
    first = await served.draft(title="虚构案例 同名")
    second = await served.draft(title="虚构案例  同名")
    await first.act(A.SUBMIT)
    with pytest.raises(Refused, match="duplicate_filing"):
        await second.act(A.SUBMIT)


async def test_of_two_that_exclude_each_other_the_second_fails_alone(world: World) -> None:
    case = await world.draft()
    async with world.worker():
        await case.act(A.SUBMIT)
    first = await case.queued(A.DECLINE, "req_1")
    second = await case.queued(A.ACCEPT, "req_2")
    async with world.worker():
        assert (await first).state is S.NOT_RECOMMENDED
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await second
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == names.REFUSED
        assert failed.value.cause.details == ("not_in_this_state", 2)
        assert (await case.handle.result())["state"] == S.NOT_RECOMMENDED
        assert case.actions == [A.SUBMIT, A.DECLINE]
        await case.agrees()


async def test_two_that_go_together_are_both_done(world: World) -> None:
    case = await world.draft()
    pending = [
        await case.queued(A.MOVE_DEADLINE, "req_1"),
        await case.queued(A.WITHDRAW, "req_2"),
    ]
    async with world.worker():
        assert [(await each).seq for each in pending] == [1, 2]
        assert case.actions == [A.MOVE_DEADLINE, A.WITHDRAW]
        await case.agrees()


async def test_a_case_that_ends_serves_first_whoever_it_let_in(world: World) -> None:
    case = await world.draft()
    first = await case.queued(A.WITHDRAW, "req_1")
    second = await case.queued_catch_up("req_2")
    async with world.worker():
        await first
        assert (await second).state is S.WITHDRAWN
        await case.handle.result()
        await case.agrees()


async def test_an_ended_case_says_so(served: World) -> None:
    case = await served.draft()
    await case.act(A.WITHDRAW)
    await case.handle.result()
    with pytest.raises(Refused, match="case_closed: 案例已结束"):
        await case.act(A.SUBMIT)
    with pytest.raises(Refused, match="case_closed"):
        await served.service.start(case.id)
