"""Names that look the same are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text.names import folded


@pytest.mark.parametrize(
    "other",
    [
        "甲公司(乙)",
        "甲公司（\u200b乙）",
        " 甲公司（乙）\u00a0",
        "\ufeff甲公司（乙）",
        "甲公司\u2060（乙）",
    ],
)
def test_spellings_of_one_name(other: str) -> None:
    assert folded(other) == folded("甲公司（乙）")


@pytest.mark.parametrize(
    ("one", "two"),
    [("甲公司（乙）", "甲公司（丙）"), ("New Media", "NewMedia"), ("一台", "二台"), ("A1", "A11")],
)
def test_other_names_are_others(one: str, two: str) -> None:
    assert folded(one) != folded(two)


def test_width_case_and_spaces_make_no_difference() -> None:
    assert folded("ＡＢＣ\u3000传媒") == folded("abc  传媒") == "abc 传媒"


@given(st.text())
def test_a_key_is_its_own_key(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@given(st.text())
def test_what_unicode_calls_compatible_has_one_key(name: str) -> None:
    assert folded(unicodedata.normalize("NFKC", name)) == folded(name)
