"""A case is found by its id, the beginning of its id, or its number; never by a guess."""

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from services.cases.lookup import find_case, find_event
from tests.factories import commit, make_case


@pytest.fixture
def cases(engine: Engine, season: str) -> list[str]:
    """Two submitted cases and a draft."""
    states = (State.PROVINCE_REVIEW, State.PROVINCE_REVIEW, State.DRAFT)
    return [make_case(engine, season=season, state=state) for state in states]


@pytest.mark.parametrize(
    "typed",
    [
        "2024-fujian-0002",
        "2024-FUJIAN-0002",
        "2024-fujian-2",
        "２０２４－fujian－０００２",
        " 2024-fujian-0002 ",
    ],
)
def test_a_number_names_its_case(engine: Engine, cases: list[str], typed: str) -> None:
    assert find_case(engine, typed) == cases[1]


def test_the_beginning_of_an_id_names_its_case(engine: Engine, cases: list[str]) -> None:
    for case_id in cases:
        for typed in (case_id, case_id[:-1], case_id.removeprefix("case_"), case_id.lower()):
            assert find_case(engine, typed) == case_id


def test_what_could_be_several_is_refused_with_the_candidates(
    engine: Engine, cases: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        find_case(engine, "case_01")
    assert refused.value.code == "ambiguous_case"
    assert [case for case in cases if case not in refused.value.message] == []
    assert "2024-fujian-0001" in refused.value.message
    assert "草稿" in refused.value.message


@pytest.mark.parametrize("typed", ["2024-fujian-0009", "没有", "", "%", "case_", "case_%", "_"])
def test_what_names_none_is_refused(engine: Engine, cases: list[str], typed: str) -> None:
    del cases
    with pytest.raises(Refused, match="unknown_case"):
        find_case(engine, typed)


def test_a_longer_number_is_no_prefix_of_another(engine: Engine, season: str) -> None:
    first, *others = [make_case(engine, season=season) for _ in range(11)]
    for case_id in (first, *others):
        commit(engine, case_id, Action.SUBMIT)
    assert find_case(engine, "2024-fujian-1") == first
    assert find_case(engine, "2024-fujian-11") == others[-1]


def test_an_event_is_named_by_its_case_too(engine: Engine, cases: list[str]) -> None:
    assert find_event(engine, "2024-fujian-0001:1") == f"{cases[0]}:1"
    assert find_event(engine, f"{cases[2]}:12") == f"{cases[2]}:12"
    assert find_event(engine, "nothing") == "nothing"
