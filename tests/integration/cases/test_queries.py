"""Lists of cases on both databases: by title, by waiting, in pages, counted."""

from collections.abc import Iterator

from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from services.cases.queries import CaseFilter, count_cases, list_cases
from tests.factories import commit, make_case


def ids(engine: Engine, wanted: CaseFilter) -> list[str]:
    return [case.id for case in list_cases(engine, wanted).items]


def pages(engine: Engine, **wanted: bool | str) -> Iterator[list[str]]:
    cursor: str | None = None
    while True:
        page = list_cases(engine, CaseFilter(limit=2, cursor=cursor, **wanted))  # type: ignore[arg-type] # fields of its own
        yield [case.id for case in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return


def test_the_case_that_waits_longest_comes_first_and_ended_ones_do_not(
    engine: Engine, season: str
) -> None:
    del season
    late = make_case(engine, state=State.RECOMMENDATION)
    early = make_case(engine, state=State.DRAFT)
    middle = make_case(engine, state=State.PROVINCE_REVIEW)
    also_middle = make_case(engine, state=State.PROVINCE_REVIEW)
    ended = make_case(engine, state=State.PROVINCE_REVIEW)
    commit(engine, ended, Action.WITHDRAW)
    order = [early, middle, also_middle, late]
    assert ids(engine, CaseFilter(waiting=True)) == order
    assert list(pages(engine, waiting=True)) == [order[:2], order[2:]]
    assert sorted(ids(engine, CaseFilter())) == sorted([*order, ended])


def test_a_title_is_found_by_a_part_of_it_and_taken_literally(engine: Engine, season: str) -> None:
    del season
    named = make_case(engine, title="虚构的 8K 影院（100%）")
    make_case(engine, title="虚构的广播")
    assert ids(engine, CaseFilter(title="8k")) == [named]
    assert ids(engine, CaseFilter(title="0%")) == [named]
    assert ids(engine, CaseFilter(title="%")) == [named]
    assert ids(engine, CaseFilter(title="_")) == []


def test_cases_are_counted_by_state_in_the_order_of_their_life(engine: Engine, season: str) -> None:
    for state in (State.FORMAL_CHECK, State.DRAFT, State.FORMAL_CHECK):
        make_case(engine, state=state)
    counts = count_cases(engine, CaseFilter(season=season))
    assert [(each.state, each.cases) for each in counts] == [("draft", 1), ("formal_check", 2)]
    assert counts[0].state_label == "草稿"
    assert count_cases(engine, CaseFilter(season=season, body="nobody")) == []
