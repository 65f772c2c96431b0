"""What people type for a code name: the name itself, or its word in either language."""

import pytest

from models.cases.states import State
from models.wording import STATES, choices, code_of


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        ("draft", "draft"), ("草稿", "draft"), (" 省级 审核 ", "province_review"),
        ("Province Review", "province_review"), ("ＤＲＡＦＴ", "draft"),
        ("nothing", None), ("", None),
    ],
)  # fmt: skip
def test_a_code_name_has_three_spellings(typed: str, state: str | None) -> None:
    assert code_of(typed, State, STATES) == state


def test_choices_say_both() -> None:
    assert choices(["draft", "lapsed", "new"], STATES) == "draft（草稿）、lapsed（逾期）、new"
