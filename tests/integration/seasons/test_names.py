"""Bodies and categories are shown by their names."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from cli.commands.case.names import readable, readable_rows
from cli.frame.options import Options, Output, begin
from models.cases.states import State
from services.cases.views import CaseView
from services.clock import now
from services.seasons.names import read_names
from tests.factories import SEASON

CASE = CaseView(
    id="case_1", number=None, title="（虚构）案例", state=State.DRAFT, state_label="草稿", seq=0,
    season=SEASON, body="xinjiang-bingtuan", category="smart-home", deadline=None, overdue=False,
    awaited=None, since=now(), unit="unit_1", revision=1, return_rounds=0, days_waiting=0,
)  # fmt: skip


@pytest.fixture(autouse=True)
def options() -> Iterator[None]:
    yield
    begin(Options())


def test_names_are_those_of_the_programme(engine: Engine, season: str) -> None:
    names = read_names(engine, {season, "none"})

    assert set(names) == {season}
    assert names[season].bodies["fujian"] == "福建"
    assert len(names[season].bodies) == 37
    assert names[season].categories["audiovisual"] == "视听消费新体验"


def test_people_read_names_and_programs_ids(engine: Engine, season: str) -> None:
    del season
    begin(Options(output=Output.TABLE))
    shown = readable(engine, CASE)
    assert isinstance(shown, dict)
    assert (shown["body"], shown["category"]) == ("兵团", "智慧家庭新场景")
    assert shown["title"] == CASE.title

    begin(Options(output=Output.JSON))
    assert readable(engine, CASE) == CASE


def test_what_a_programme_does_not_name_stays(engine: Engine, season: str) -> None:
    del season
    unknown = CASE.model_copy(update={"body": "elsewhere", "category": ""})

    assert [(row["body"], row["category"]) for row in readable_rows(engine, [unknown])] == [
        ("elsewhere", "")
    ]
    assert readable_rows(engine, []) == []
