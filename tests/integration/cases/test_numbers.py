"""Each case gets its number at its first submission: once, in order, never used again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from models import tables
from models.cases.actions.names import Action
from models.cases.events import CaseEvent
from models.cases.states import State
from models.store.engine import transaction
from models.store.upgrade import upgrade_record
from services.audit.case_check import check_case
from services.audit.case_file import read_cases
from services.cases import queries
from services.cases.numbers import take_number
from tests.factories import commit, commits, keep_reason, make_case, wanted
from tests.older_record import copy_rows, opened_older
from tests.streams import outbox

BEFORE = "0014"


def number(engine: Engine, case_id: str) -> str | None:
    return queries.show(engine, case_id).number


def test_a_draft_has_none_and_a_submitted_case_has_the_next(engine: Engine, season: str) -> None:
    draft, *others = [make_case(engine, season=season) for _ in range(3)]
    for case_id in reversed(others):
        commit(engine, case_id, Action.SUBMIT)
    assert [number(engine, case_id) for case_id in (draft, *others)] == [
        None, "2024-fujian-0002", "2024-fujian-0001",
    ]  # fmt: skip


def test_each_body_counts_for_itself(engine: Engine, season: str) -> None:
    here = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    there = make_case(engine, season=season, state=State.PROVINCE_REVIEW, location="北京市")
    assert (number(engine, here), number(engine, there)) == (
        "2024-fujian-0001", "2024-beijing-0001",
    )  # fmt: skip


def test_it_is_in_the_answer_and_in_each_event(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season)
    result = commit(engine, case_id, Action.SUBMIT)
    assert result.outlook.number == "2024-fujian-0001"
    commit(engine, case_id, Action.ACCEPT)
    said = [CaseEvent.model_validate_json(row.body).data.number for row in outbox(engine)]
    assert said == ["2024-fujian-0001"] * 2


def test_a_retry_takes_no_other(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season)
    asked = wanted(engine, case_id, Action.SUBMIT)
    assert [commits(engine).commit(asked).outlook.number for _ in range(3)] == [
        "2024-fujian-0001"
    ] * 3
    assert number(engine, make_case(engine, season=season, state=State.PROVINCE_REVIEW)) == (
        "2024-fujian-0002"
    )


def test_who_submits_again_keeps_it(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    reason = keep_reason(engine, case_id, "（示例）请补充")
    commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)
    commit(engine, case_id, Action.SUBMIT)
    assert number(engine, case_id) == "2024-fujian-0001"


def test_a_transaction_that_fails_takes_none(engine: Engine, season: str) -> None:
    with engine.begin() as connection:
        assert take_number(connection, season, "fujian") == "2024-fujian-0001"
        connection.rollback()
    with transaction(engine) as connection:
        assert take_number(connection, season, "fujian") == "2024-fujian-0001"


def test_a_number_of_a_withdrawn_case_is_not_given_again(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.WITHDRAW)
    assert number(engine, case_id) == "2024-fujian-0001"
    other = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    assert number(engine, other) == "2024-fujian-0002"


def test_many_at_once_get_one_each(engine: Engine, season: str) -> None:
    cases = [make_case(engine, season=season) for _ in range(12)]
    asked = [wanted(engine, case_id, Action.SUBMIT) for case_id in cases]
    with ThreadPoolExecutor(6) as pool:
        taken = [result.outlook.number for result in pool.map(commits(engine).commit, asked)]
    assert sorted(map(str, taken)) == [f"2024-fujian-{n:04}" for n in range(1, 13)]


def test_ids_that_join_to_the_same_begin_share_their_numbers(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert take_number(connection, "2024", "a-b") == "2024-a-b-0001"
        assert take_number(connection, "2024-a", "b") == "2024-a-b-0002"


def test_another_number_than_its_events_say_is_found(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    with transaction(engine) as connection:
        assert [*check_case(read_cases(connection, [case_id])[case_id])] == []
        connection.execute(tables.case_record.update().values(number="2024-fujian-0009"))
        found = [*check_case(read_cases(connection, [case_id])[case_id])]
    assert [each.message for each in found] == ["案例编号与其事件不符"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A record of the release before, without a row."""
    with opened_older(request, tmp_path, BEFORE) as engine:
        yield engine


def test_older_cases_are_numbered_as_they_were_submitted(
    empty: Engine, sqlite_engine: Engine, season: str
) -> None:
    """The second was submitted first; the draft not at all; the last came twice."""
    late, early, draft, twice = (make_case(sqlite_engine, season=season) for _ in range(4))
    for case_id in (early, late, twice):
        asked = wanted(sqlite_engine, case_id, Action.SUBMIT)
        at = asked.at.replace(minute=1 if case_id == early else 2)
        commits(sqlite_engine).commit(asked.model_copy(update={"at": at}))
    reason = keep_reason(sqlite_engine, twice, "（示例）请补充")
    commit(sqlite_engine, twice, Action.RETURN_FOR_REVISION, reason=reason)
    commit(sqlite_engine, twice, Action.SUBMIT)
    copy_rows(sqlite_engine, empty)

    upgrade_record(empty)

    with empty.connect() as connection:
        cases = tables.case_record.c
        rows = dict(connection.execute(select(cases.id, cases.number)).all())
    assert rows == {
        early: "2024-fujian-0001", late: "2024-fujian-0002", twice: "2024-fujian-0003",
        draft: None,
    }  # fmt: skip
    commit(empty, draft, Action.SUBMIT)
    assert number(empty, draft) == "2024-fujian-0004"
