"""An event fits its line of history, or it is said what does not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from models.cases.binding import digest_of_event, misfit
from models.cases.events import CaseEventData, case_event
from models.cases.history import transition_hash
from models.chain import GENESIS

AT = datetime(2024, 5, 1, 2, 3, 4, 567890, tzinfo=UTC)
DATA: dict[str, Any] = {
    "case_id": "case_1", "seq": 3, "action": "submit", "from": "draft", "to": "province_review",
    "actor_role": "applicant", "season": "2024", "body": "fujian", "unit": "unit_1",
    "category": "smart-home", "title": "（示例）", "number": "2024-fujian-0001",
    "deadline": "2024-05-12T16:00:00Z", "awaited": "body",
}  # fmt: skip


def bound(*, digested: bool = True) -> tuple[dict[str, Any], str]:
    """Return a line of history and the event that it announces."""
    unbound = case_event(CaseEventData.model_validate(DATA | {"record_hash": GENESIS}), AT)
    line: dict[str, Any] = {
        "case_id": "case_1", "seq": 3, "update_id": "u", "action": "submit", "source": "draft",
        "target": "province_review", "actor_role": "applicant", "actor_id": "unit_1", "at": AT,
        "command": {}, "command_digest": "d", "content_digest": None, "previous_hash": GENESIS,
        "event_digest": digest_of_event(unbound.to_json()) if digested else None,
    }  # fmt: skip
    line["hash"] = transition_hash(line)
    event = case_event(CaseEventData.model_validate(DATA | {"record_hash": line["hash"]}), AT)
    return line, event.to_json()


def places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*path, name))
    else:
        yield path


LINE, BODY = bound()


def test_an_event_fits_its_line() -> None:
    assert misfit(LINE, BODY) is None
    assert misfit(*bound(digested=False)) is None


@pytest.mark.parametrize("path", list(places(json.loads(BODY))), ids=".".join)
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_no_part_of_an_event_can_be_another(path: tuple[str, ...], how: str) -> None:
    said = json.loads(BODY)
    inner = said["data"] if len(path) > 1 else said
    if how == "removed":
        del inner[path[-1]]
    else:
        inner[path[-1]] = {"seq": 4, "time": "2024-05-01T02:03:05Z"}.get(path[-1], "another")
    assert misfit(LINE, json.dumps(said)) is not None


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '{"data": 1}', "\ud800"])
def test_what_is_no_event_does_not_fit(body: str) -> None:
    assert misfit(LINE, body) is not None


def test_without_a_digest_an_older_line_still_holds_what_both_say() -> None:
    line, body = bound(digested=False)
    said = json.loads(body)
    for name, other in (("to", "published"), ("action", "accept"), ("actor_role", "body")):
        assert misfit(line, json.dumps({**said, "data": said["data"] | {name: other}})) == (
            f"data.{name}" if name != "action" else "data.action"
        )


def test_the_digest_is_under_the_hash_of_the_line() -> None:
    without = {**LINE, "event_digest": None}
    assert transition_hash(LINE) == LINE["hash"] != transition_hash(without)
    assert transition_hash({**LINE, "event_digest": "sha256:other"}) != LINE["hash"]
