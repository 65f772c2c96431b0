"""Lists of cases on both databases: by title, by waiting, in pages, counted."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from models.wording import calendar_days
from services.cases.queries import CaseFilter, count_cases, list_cases
from services.clock import now
from tests.factories import commit, make_case


def ids(engine: Engine, wanted: CaseFilter) -> list[str]:
    return [case.id for case in list_cases(engine, wanted).items]


def pages(engine: Engine, **wanted: bool | str | datetime | None) -> Iterator[list[str]]:
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


def test_what_is_due_comes_soonest_first_between_two_instants(engine: Engine, season: str) -> None:
    del season
    made = {state: make_case(engine, state=state) for state in (State.DRAFT, State.PROVINCE_REVIEW)}
    checked = make_case(engine, state=State.FORMAL_CHECK)
    due = {each.id: each.deadline for each in list_cases(engine, CaseFilter()).items}
    order = sorted(due, key=lambda case_id: str(due[case_id]))
    assert order[-1] == checked
    assert len(set(due.values())) == 3
    last = due[checked]
    assert ids(engine, CaseFilter(due_before=last)) == order
    assert ids(engine, CaseFilter(due_before=last, due_after=due[order[0]])) == order[1:]
    assert ids(engine, CaseFilter(due_after=last)) == []
    assert list(pages(engine, due_before=last)) == [order[:2], order[2:]]
    commit(engine, made[State.PROVINCE_REVIEW], Action.WITHDRAW)
    assert made[State.PROVINCE_REVIEW] not in ids(engine, CaseFilter(due_before=last))


def test_a_case_that_moves_on_between_two_pages_costs_no_other(engine: Engine, season: str) -> None:
    del season
    first, second, third = [make_case(engine, state=State.PROVINCE_REVIEW) for _ in range(3)]
    page = list_cases(engine, CaseFilter(waiting=True, limit=2))
    assert [case.id for case in page.items] == [first, second]
    commit(engine, second, Action.ACCEPT, answers={})
    rest = list_cases(engine, CaseFilter(waiting=True, cursor=page.next_cursor)).items
    assert [case.id for case in rest] == [third, second]
    with pytest.raises(Refused, match="bad_cursor"):
        list_cases(engine, CaseFilter(waiting=True, cursor="case_1"))


def test_days_are_counted_by_midnights_in_beijing(engine: Engine, season: str) -> None:
    del season
    waits = make_case(engine, state=State.PROVINCE_REVIEW)
    view = list_cases(engine, CaseFilter()).items[0]
    assert view.days_waiting == calendar_days(view.since, now()) > 300
    commit(engine, waits, Action.WITHDRAW)
    assert list_cases(engine, CaseFilter()).items[0].days_waiting is None


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
