"""One case from its draft to the announced result, and all that operations see of it."""

from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory
from temporalio.common import TypedSearchAttributes

from cli.frame.temporal_links import filters
from models.cases.actions.names import Action
from models.cases.agenda import AT_DEADLINE
from models.cases.states import State
from services.clock import now
from tests.statements import counted
from tests.waiting import until
from tests.workflow.case import Case
from tests.workflow.world import World
from workflows import names
from workflows.visibility import details, search_attributes, summary

A = Action

FULL_PATH = (
    A.SUBMIT, A.RETURN_FOR_REVISION, A.SUBMIT, A.ACCEPT, A.RECOMMEND, A.MOVE_DEADLINE,
    A.REQUEST_CORRECTION, A.RESUBMIT, A.PASS_FORMAL_CHECK, A.SHORTLIST, A.SELECT, A.PUBLISH,
)  # fmt: skip
ENDS_AT = (
    State.PROVINCE_REVIEW, State.DRAFT, State.PROVINCE_REVIEW, State.RECOMMENDATION,
    State.FORMAL_CHECK, State.FORMAL_CHECK, State.CORRECTION, State.FORMAL_CHECK,
    State.EXPERT_REVIEW, State.ORAL_DEFENSE, State.PUBLICATION, State.PUBLISHED,
)  # fmt: skip
FIELDS: dict[Action, dict[str, Any]] = {
    A.MOVE_DEADLINE: {"until": now() + timedelta(days=99)},
}


async def _step(case: Case, action: Action) -> None:
    if action is A.RESUBMIT:  # the national cutoff passes while the case is being corrected
        case.world.set_milestone("cutoff", now() - timedelta(hours=1))
    await case.act(action, **FIELDS.get(action, {}))


async def test_a_case_is_published_within_its_budget_of_events(served: World) -> None:
    case, states, lengths = await served.draft(), [], [0]
    for action in FULL_PATH:
        await _step(case, action)
        states.append(case.view.state)
        lengths.append(await case.length())
    assert tuple(states) == ENDS_AT
    assert tuple(case.actions) == FULL_PATH
    assert lengths[-1] <= 90, lengths
    events = [event.event_type for event in (await case.history()).events]
    timers = events.count(EventType.EVENT_TYPE_TIMER_STARTED)
    beginning = events.index(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) + 1
    assert len(events) - timers - beginning <= 7 * len(FULL_PATH)
    await case.agrees()


async def test_operations_see_each_step(served: World) -> None:
    case = await served.draft()
    for action in FULL_PATH:
        await _step(case, action)
        await _is_shown(case)
    await case.act(A.DISQUALIFY)
    described = await case.handle.describe()
    assert described.status is WorkflowExecutionStatus.COMPLETED
    assert (await case.handle.result())["state"] == State.DISQUALIFIED
    await case.agrees()


async def _is_shown(case: Case) -> None:
    """Assert that attributes, summary and details say what the record says."""
    view, described = case.view, await case.handle.describe()
    standing = case.standing
    assert _named(described.typed_search_attributes) == _named(search_attributes(standing))
    assert await described.static_summary() == summary(view.title)
    assert await case.details() == details(standing)


def _named(attributes: TypedSearchAttributes) -> dict[str, Any]:
    ours = (pair for pair in attributes if pair.key.name in names.SEARCH_ATTRIBUTES)
    return {pair.key.name: pair.value for pair in ours}


def _payloads(history: WorkflowHistory) -> Iterator[str]:
    """Return every payload of a history as text, wherever it lies."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("data"), str):
                yield b64decode(value["data"]).decode()
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    return walk(history.to_json_dict())


async def test_what_waits_and_what_is_asked_of_the_record_is_labelled(served: World) -> None:
    case = await served.draft()
    first = (await case.snapshot()).agenda.items[0]
    await case.act(A.SUBMIT)
    events = (await case.history()).events
    labels = [
        event.user_metadata.summary.data.decode()
        for event in events
        if event.event_type
        in (EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_MARKER_RECORDED)
    ]
    assert labels == [f'"提醒：距提交申报材料的期限 {first.offset} 个工作日"', '"提交 → 1"']


async def test_no_words_of_people_and_no_form_reach_the_history(served: World) -> None:
    case = await served.draft(contact_mobile="13800000000", contact_name="虚构联系人甲")
    await case.walk(A.SUBMIT, A.RETURN_FOR_REVISION, A.SUBMIT)
    history = await case.history()
    decoded = history.to_json() + "".join(_payloads(history))
    assert case.view.title in decoded
    for secret in ("13800000000", "虚构联系人甲", *case.texts):
        assert secret not in decoded


@pytest.mark.parametrize("gone", [False, True])
async def test_an_unknown_year_stops_no_case(world: World, gone: bool) -> None:
    if gone:
        world.forget_years()
    async with world.worker():
        case = await world.draft()
        await case.act(A.SUBMIT)
        agenda = (await case.snapshot()).agenda
        shown = await case.details()
    offsets = [item.offset for item in agenda.items]
    assert offsets == ([AT_DEADLINE] if gone else [7, 3, 1, AT_DEADLINE])
    assert (agenda.blocked_by is not None) == gone
    assert (f"提醒待定：{agenda.blocked_by}" in shown) == gone
    assert ("年的工作日安排" in shown) == gone


async def test_a_submission_takes_ten_statements(served: World) -> None:
    """Three to prepare it, seven to commit it; the answer is the workflow's own."""
    await (await served.draft()).act(A.SUBMIT)  # the process knows the season now
    case = await served.draft()
    with counted(served.engine) as statements:
        view = await case.act(A.SUBMIT, text=None)
    assert len(statements) == 10, statements
    assert view == case.view


async def test_the_server_takes_every_filter_that_is_printed(served: World) -> None:
    case = await served.draft()

    async def lists(query: str) -> bool:
        found = [each.id async for each in served.client.list_workflows(query)]
        return case.handle.id in found

    for name, query in filters(now()):
        if name == "进行中的全部案例":
            await until(partial(lists, query))
        else:
            assert not await lists(query), name
    await case.act(A.SUBMIT)
    await until(partial(lists, dict(filters(now()))["待推荐单位办理"]))
