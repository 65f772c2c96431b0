"""What ran on older releases still runs: recorded histories replay, changed ones do not."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.commands import Command
from models.cases.messages import CaseSnapshot, CommitTransitionResult, Standing
from tests import factories
from tests.replay.mutants import Deaf, Silent, Sleepless, Unpatched
from tests.replay.scenarios import SCENARIOS
from workers.cases.worker import sandbox
from workflows import names
from workflows.case import CaseWorkflow

HISTORIES = Path(__file__).parent / "histories"
FILES = sorted(HISTORIES.rglob("*.json"))
GOOD = HISTORIES / "0.1" / "published.json"

type Event = dict[str, Any]

every_history = pytest.mark.parametrize(
    "file", FILES, ids=lambda file: str(file.relative_to(HISTORIES).with_suffix(""))
)


def _events(file: Path) -> list[Event]:
    events: list[Event] = json.loads(file.read_text(encoding="utf-8"))["events"]
    return events


async def _replay(events: list[Event], workflow: type = CaseWorkflow) -> None:
    replayer = Replayer(
        workflows=[workflow],
        workflow_runner=sandbox(),
        data_converter=pydantic_data_converter,
    )
    await replayer.replay_workflow(WorkflowHistory.from_json("case/replayed", {"events": events}))


@every_history
async def test_every_history_replays(file: Path) -> None:
    await _replay(_events(file))


def test_every_way_of_life_was_recorded() -> None:
    recorded = {file.stem.split("-")[0] for file in FILES}
    assert recorded == set(SCENARIOS)
    done = {asked["name"] for file in FILES for event in _events(file) for asked in _asked(event)}
    by_the_clock = {Action.LAPSE, Action.REMIND, Action.EXPIRE}
    in_tests_only = {Action.LEAVE_OUT, Action.NOT_SELECT}
    assert done == {*Action, names.CATCH_UP} - by_the_clock - in_tests_only


def _asked(event: Event) -> Iterator[dict[str, Any]]:
    """Return the update of an event that brought one in."""
    match event:
        case {"workflowExecutionUpdateAcceptedEventAttributes": {"acceptedRequest": asked}}:
            yield asked["input"]
        case {"workflowExecutionUpdateAdmittedEventAttributes": {"request": asked}}:
            yield asked["input"]


@every_history
def test_replay_compares_more_than_the_kind_of_command(file: Path) -> None:
    """Without flag 1 of the core an activity under another name would replay green."""
    key = "workflowTaskCompletedEventAttributes"
    completed = [event[key] for event in _events(file) if key in event]
    assert 1 in completed[0]["sdkMetadata"]["coreUsedFlags"]


@every_history
def test_what_old_histories_hold_still_decodes(file: Path) -> None:
    found = [type(each) for event in _events(file) for each in _decoded(event)]
    assert Standing in found


def _decoded(event: Event) -> Iterator[object]:
    """Return each payload of ours as what the workflow takes it for."""
    for asked in _asked(event):
        yield from _command(asked)
    match event:
        case {"workflowExecutionStartedEventAttributes": {"input": {"payloads": [given]}}}:
            yield Standing.model_validate_json(_data(given))
        case {"workflowExecutionUpdateCompletedEventAttributes": {"outcome": {"success": answer}}}:
            yield CaseSnapshot.model_validate_json(_data(answer["payloads"][0]))
        case {"markerRecordedEventAttributes": {"details": {"data": data, "result": result}}}:
            yield _result(_name(data), _data(result["payloads"][0]))


def _command(asked: dict[str, Any]) -> Iterator[Command]:
    if asked["name"] != names.CATCH_UP:
        kind = ACTIONS[Action(asked["name"])].command
        yield kind.model_validate_json(_data(asked["args"]["payloads"][0]))


def _result(activity: str, data: bytes) -> object:
    if activity == names.READ_STANDING:
        return Standing.model_validate_json(data)
    assert activity == names.COMMIT_TRANSITION
    return CommitTransitionResult.model_validate_json(data)


def _name(marker: dict[str, Any]) -> str:
    name: str = json.loads(_data(marker["payloads"][0]))["activity_type"]
    return name


def _data(payload: dict[str, Any]) -> bytes:
    return b64decode(payload["data"])


@every_history
def test_histories_name_no_path_of_a_machine(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert [part for part in ("/home/", "/root/", "/tmp/", "/usr/", ".py") if part in text] == []


@every_history
def test_histories_hold_no_personal_data(file: Path) -> None:
    form = factories.form()
    secrets = [form.contact_name, form.contact_phone, form.contact_mobile, form.summary[:20]]
    text = file.read_text(encoding="utf-8")
    held = text + "".join(_texts(json.loads(text)))
    assert all(secrets)
    assert [secret for secret in secrets if secret in held] == []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("data"), str):
            yield b64decode(value["data"]).decode()
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


async def test_another_activity_in_its_place_does_not_replay() -> None:
    events = _events(GOOD)
    for event in events:
        if "markerRecordedEventAttributes" in event:
            payload = event["markerRecordedEventAttributes"]["details"]["data"]["payloads"][0]
            name = _data(payload).replace(names.COMMIT_TRANSITION.encode(), b"write_transition")
            payload["data"] = b64encode(name).decode()
    with pytest.raises(NondeterminismError):
        await _replay(events)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", "WORKFLOW_EXECUTION_UPDATE_COMPLETED"),
        ("WORKFLOW_EXECUTION_UPDATE_COMPLETED", "TIMER_STARTED"),
    ],
)
async def test_another_order_does_not_replay(one: str, other: str) -> None:
    events = _events(GOOD)
    kinds = [event["eventType"].removeprefix("EVENT_TYPE_") for event in events]
    at = list(pairwise(kinds)).index((one, other))
    first, second = events[at], events[at + 1]
    first["eventId"], second["eventId"] = second["eventId"], first["eventId"]
    events[at : at + 2] = [second, first]
    with pytest.raises(NondeterminismError):
        await _replay(events)


@pytest.mark.parametrize("mutant", [Silent, Sleepless])
async def test_a_workflow_that_does_otherwise_does_not_replay(mutant: type) -> None:
    with pytest.raises(NondeterminismError):
        await _replay(_events(GOOD), mutant)


def test_each_patch_has_histories_with_it_and_without() -> None:
    for patch in names.PATCHES:
        assert [file for file in (HISTORIES / patch).iterdir() if patch in _patches(file)]
        assert [file for file in FILES if not _patches(file)]


def _patches(file: Path) -> set[str]:
    return {
        json.loads(_data(payload))["id"]
        for event in _events(file)
        if event.get("markerRecordedEventAttributes", {}).get("markerName") == "core_patch"
        for details in [event["markerRecordedEventAttributes"]["details"]]
        for payload in details["patch-data"]["payloads"]
    }


async def test_what_is_new_must_not_come_over_cases_that_began_before() -> None:
    with pytest.raises(NondeterminismError):
        await _replay(_events(HISTORIES / "0.1" / "continued-2.json"), Unpatched)
    with pytest.raises(NondeterminismError):
        await _replay(_events(HISTORIES / "0.1" / "cancel_asked.json"), Deaf)
