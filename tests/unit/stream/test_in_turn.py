"""Which of some events follow what was handled, and which come too early."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.stream.incoming import IncomingEvent, in_turn
from tests.integration.webhooks.sending import an_event
from tests.streams import incoming

CASES = ("case_a", "case_b")


def _event(case_id: str, seq: int) -> IncomingEvent:
    event = an_event(case_id, seq)
    return incoming(event.to_json(), seq)


EVENTS = {(case_id, seq): _event(case_id, seq) for case_id in CASES for seq in range(1, 7)}


def sort(asked: list[tuple[str, int]], handled: dict[str, int]) -> list[list[tuple[str, int]]]:
    found = in_turn([EVENTS[each] for each in asked], handled)
    return [[(each.event.data.case_id, each.event.data.seq) for each in part] for part in found]


@pytest.mark.parametrize(
    ("asked", "handled", "expected", "early"),
    [
        ([], {}, [], []),
        ([1, 2, 3], {}, [1, 2, 3], []),
        ([1, 2, 3], {"case_a": 2}, [3], []),
        ([2, 3], {}, [], [2, 3]),
        ([1, 3], {}, [1], [3]),
        ([3, 1, 2], {}, [1, 2], [3]),
        ([2, 2, 1], {"case_a": 1}, [2], []),
    ],
)
def test_of_one_case(
    asked: list[int], handled: dict[str, int], expected: list[int], early: list[int]
) -> None:
    found = sort([("case_a", seq) for seq in asked], handled)
    assert [[seq for _, seq in part] for part in found] == [expected, early]


@given(
    st.lists(st.sampled_from(sorted(EVENTS))),
    st.dictionaries(st.sampled_from(CASES), st.integers(0, 6)),
)
def test_each_case_goes_on_without_a_gap_and_alone(
    asked: list[tuple[str, int]], handled: dict[str, int]
) -> None:
    following, early = sort(asked, handled)
    for case_id in CASES:
        seqs = [seq for case, seq in following if case == case_id]
        first = handled.get(case_id, 0) + 1
        assert seqs == list(range(first, first + len(seqs)))
        alone, alone_early = sort([each for each in asked if each[0] == case_id], handled)
        assert alone == [each for each in following if each[0] == case_id]
        assert alone_early == [each for each in early if each[0] == case_id]
        assert all(seq > first for case, seq in early if case == case_id)
