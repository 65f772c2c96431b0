"""Each action that people do has its command, with what its own command class takes."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from cli.frame.exits import Exit
from cli.main import load, run
from models.cases.actions.declaration import Declaration, Reason
from models.cases.actions.registry import ACTIONS
from models.cases.commands import ClockCommand
from services.cases.requests import Request

BY_ITSELF = {"actor", "reason", "revision", "content"}
"""Fields of commands that nobody types: who acts, the text's digest, what is filed."""

DONE_BY_PEOPLE = [each for each in ACTIONS.values() if each.verb is not None]
CASE: Any = load("case")

VERBS = [
    "submit",
    "return",
    "accept",
    "decline",
    "send-back",
    "recommend",
    "leave-out",
    "request-correction",
    "resubmit",
    "pass",
    "fail",
    "shortlist",
    "select",
    "not-select",
    "publish",
    "disqualify",
    "withdraw",
    "extend",
    "reopen",
]


def test_the_verbs_are_pinned() -> None:
    verbs = [each.verb.name for each in DONE_BY_PEOPLE if each.verb]
    assert [verb for verb in verbs if verb in VERBS] == VERBS
    assert set(verbs) <= set(CASE.commands)


def test_only_what_the_clock_does_has_no_command() -> None:
    without = [each for each in ACTIONS.values() if each.verb is None]
    assert all(issubclass(each.command, ClockCommand) for each in without)
    assert len(without) + len(DONE_BY_PEOPLE) == len(ACTIONS)


@pytest.mark.parametrize("declared", DONE_BY_PEOPLE, ids=lambda each: each.action)
def test_each_field_of_a_command_is_asked_for(declared: Declaration[Any]) -> None:
    assert declared.verb is not None
    fields = set(declared.command.model_fields) - BY_ITSELF
    assert set(declared.verb.options) == fields
    command = CASE.commands[declared.verb.name]
    asked = {each.name for each in command.params if each.expose_value}
    text = {"text"} if declared.reason is not Reason.NONE else set()
    all_yes = {"all_yes"} if "answers" in fields else set()
    dry_run = {"dry_run"} if declared.verb.extends else set()
    assert asked == {"case_id", "update_id", *fields, *text, *all_yes, *dry_run}
    assert declared.verb.help in command.help


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("return", {"--reason", "--remarks", "--due", "--update-id"}),
        ("accept", {"--answer", "--all-yes", "--update-id"}),
        ("recommend", {"--rank", "--update-id"}),
        ("disqualify", {"--reason", "--remarks", "--objection", "--update-id"}),
        ("withdraw", {"--reason", "--remarks", "--with-consent", "--update-id"}),
        ("extend", {"--reason", "--remarks", "--dry-run", "--update-id"}),
        ("reopen", {"--reason", "--remarks", "--until", "--update-id"}),
    ],
)
def test_the_options_that_scripts_rely_on(verb: str, options: set[str]) -> None:
    command = CASE.commands[verb]
    own = [each for each in command.params if each.expose_value and each.opts[0].startswith("--")]
    assert {option for each in own for option in each.opts} == options


@pytest.mark.parametrize(
    ("verb", "before"),
    [("extend", ()), ("return", ("--due",)), ("request-correction", ("--due",))],
)
def test_a_time_is_typed_as_people_type_times(
    verb: str, before: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["case", verb, "case_x", *before, "明天"]) == Exit.USAGE
    assert "看不懂时间“明天”" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024-05-12", datetime(2024, 5, 12, 16, tzinfo=UTC)),
        ("2024-05-12T18:00", datetime(2024, 5, 12, 10, tzinfo=UTC)),
    ],
)
def test_a_time_reaches_the_request_as_an_instant(
    text: str, meant: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []

    async def act(request: Request) -> dict[str, str]:
        asked.append(request)
        return {"id": request.case_id}

    def connected(work: Any) -> Any:
        return asyncio.run(work(SimpleNamespace(engine=None, service=SimpleNamespace(act=act))))

    monkeypatch.setattr("cli.connections.services.connected", connected)
    case_id = "case_01M8AVRHCEPN6DV1VDWPS0PX9K"
    assert run(["case", "return", case_id, "--due", text, "--output", "json"]) == Exit.OK
    assert [each.fields for each in asked] == [{"due": meant}]
