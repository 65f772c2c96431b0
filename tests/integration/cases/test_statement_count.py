"""How many SQL statements a submission takes: more than these is a step back, fewer a step on."""

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from services.cases.intake import prepare
from services.cases.requests import Request
from services.seasons.cache import SeasonCache
from tests.factories import commits, make_case, wanted
from tests.statements import counted


@pytest.fixture
def cache(engine: Engine, season: str) -> SeasonCache:
    """A process that has seen the season before."""
    warm = SeasonCache()
    with engine.connect() as connection:
        warm.programme(connection, season)
        warm.working_days(connection)
    return warm


def test_preparing_a_submission_reads_case_and_form_at_once(
    engine: Engine, season: str, cache: SeasonCache
) -> None:
    case = make_case(engine, season=season)
    with counted(engine) as statements:
        prepare(engine, cache, Request(case, Action.SUBMIT))
    assert [each.split()[0] for each in statements] == ["SELECT"] * 3  # with form, done?, title


def test_a_text_is_written_after_all_that_is_read(
    engine: Engine, season: str, cache: SeasonCache
) -> None:
    case = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    request = Request(case, Action.DECLINE, text="（示例）不符合条件")
    with counted(engine) as statements:
        prepare(engine, cache, request)
    # case, done?; whether the text is known, the text
    assert [each.split()[0] for each in statements] == ["SELECT"] * 3 + ["INSERT"]


@pytest.mark.parametrize(
    ("state", "action", "reads"),
    [
        (State.DRAFT, Action.SUBMIT, 3),  # case with form, lines from there, title
        (State.PROVINCE_REVIEW, Action.ACCEPT, 2),  # case, lines from there
    ],
)
def test_a_commit_reads_each_thing_once_and_writes_three_rows_and_takes_a_first_number(
    engine: Engine, season: str, state: State, action: Action, reads: int
) -> None:
    case = make_case(engine, season=season, state=state)
    asked = wanted(engine, case, action)
    takes_number = action is Action.SUBMIT  # one INSERT … ON CONFLICT, at the first submission
    locks_unit = action is Action.SUBMIT and engine.dialect.name == "postgresql"
    with counted(engine) as statements:
        assert commits(engine).commit(asked).answered
    assert [each.split()[0] for each in statements] == [
        *["SELECT"] * (reads + locks_unit), *["INSERT"] * takes_number,
        "INSERT", "UPDATE", "INSERT",
    ]  # fmt: skip
