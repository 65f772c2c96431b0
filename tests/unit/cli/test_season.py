"""A moved milestone as it is told: the midnight of a beginning is 00:00 of its own day."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cli.commands.season import _report
from cli.frame.options import Options, Output, begin
from services.dates.moves import MilestoneMove

BEFORE, AFTER = datetime(2024, 6, 2, 16, tzinfo=UTC), datetime(2024, 6, 4, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def options() -> Iterator[None]:
    yield
    begin(Options())


def told(milestone: str, before: datetime | None, output: Output) -> None:
    begin(Options(output=output))
    _report(
        MilestoneMove(
            id="move_1", season="2024", milestone=milestone, before=before, after=AFTER,
            cases=[], missed=[], reopened=[],
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("milestone", "shown"),
    [
        ("notice_start", ("2024-06-03（周一）00:00", "2024-06-05（周三）00:00")),
        ("notice_end", ("2024-06-02（周日）24:00", "2024-06-04（周二）24:00")),
    ],
)
def test_people_read_when_it_begins_or_ends(
    milestone: str, shown: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    told(milestone, BEFORE, Output.CSV)
    written = capsys.readouterr().out
    assert [text for text in shown if text not in written] == []


def test_programs_get_the_instants(capsys: pytest.CaptureFixture[str]) -> None:
    told("notice_start", None, Output.JSON)
    found = json.loads(capsys.readouterr().out)
    assert (found["before"], found["after"]) == (None, "2024-06-04T16:00:00Z")
