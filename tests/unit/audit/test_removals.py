"""When a case had ended, for what was removed of it: ends that were left again do not count."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.audit.objects import reason_object
from services.audit.removal_check import Removals

START = datetime(2024, 1, 1, tzinfo=UTC)
TEXT = "sha256:text"


def line(seq: int, target: str, day: int) -> dict[str, Any]:
    at = START + timedelta(days=day)
    return {"seq": seq, "target": target, "at": at, "reason": None, "command": {}}


@pytest.mark.parametrize(
    ("removed_on", "said"),
    [
        (100, "的清除不足"),  # it lapsed on day 10
        (195, None),
        (250, "而案例尚未终结"),  # reopened on day 200
        (400, "的清除不足"),  # lapsed again on day 300
        (485, None),
    ],
)
def test_an_end_counts_until_the_case_was_reopened(removed_on: int, said: str | None) -> None:
    lines = [
        {**line(1, "draft", 0), "command": {"reason": TEXT}},
        line(2, "lapsed", 10),
        {**line(3, "draft", 200), "reason": "（示例）"},
        line(4, "lapsed", 300),
    ]
    entries = {(reason_object("case_1", 1), TEXT): START + timedelta(days=removed_on)}
    found = [each.message for each in Removals(entries=entries).check("case_1", lines)]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_what_was_published_first_and_disqualified_then_ended_when_it_was_published() -> None:
    lines = [
        {**line(1, "published", 0), "command": {"reason": TEXT}},
        line(2, "disqualified", 190),
    ]
    entries = {(reason_object("case_1", 1), TEXT): START + timedelta(days=200)}
    assert [*Removals(entries=entries).check("case_1", lines)] == []
