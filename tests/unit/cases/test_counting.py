"""字 are counted as a word processor counts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cases.counting import count_characters
from models.programme.form import CountingRule

VECTORS = [
    ("", 0),
    ("用户达1,200万户 （同比增长35.6%）", 13),
    ("视听消费新体验", 7),
    ("“示范”——从无到有……", 12),
    ("‘名’", 3),
    ("买买提·艾力", 6),
    ("hello world", 2),
    ("don't stop", 2),
    ("don’t", 3),  # the mark is full-width in Chinese text
    ("5G网络", 3),
    ("4K/8K超高清", 4),
    ("https://pan.example.invalid/s/1?a=b", 1),
    ("a@example.invalid", 1),
    ("3.14", 1),
    ("-5", 1),
    ("$5 - €6", 2),
    (". , ; : ! ? - ( )", 0),
    ("用户,平台", 4),
    ("用户 , 平台", 4),
    ("A,B", 1),
    ("A，B", 3),
    ("A、B；C", 5),
    ("1２3", 3),
    ("\u3000\u3000全角空格\u3000", 4),
    ("一\n二\r\n三\t四", 4),
    ("\u00a0\u2003", 0),
    ("零\u200b宽", 2),
    ("ab\u200bcd", 1),
    ("\ufeff", 0),
    ("①②③", 1),
    ("第①步", 3),
    ("25℃", 1),
    ("120㎡", 2),
    ("〇", 1),
    ("《书》【注】", 6),
    ("𠮷野家", 3),
    ("㐀", 1),
    ("ひらがなカタカナ", 8),
    ("한국어", 3),
    ("Здравствуйте мир", 2),
    ("ئۇيغۇر تىلى", 2),
    ("_", 0),
    ("a_b", 1),
    ("___", 0),
    ("👍", 0),
    ("C++与C#", 3),
]


@pytest.mark.parametrize(("text", "expected"), VECTORS)
def test_word_rule(text: str, expected: int) -> None:
    assert count_characters(text, "word") == expected


@pytest.mark.parametrize(
    ("text", "rule", "expected"),
    [
        ("用户达1,200万户 （同比增长35.6%）", "chars_no_space", 21),
        ("用户达1,200万户 （同比增长35.6%）", "codepoints", 22),
        ("一 二\n三", "chars_no_space", 3),
        ("一\u3000二\u200b", "chars_no_space", 2),
        ("一\r\n二", "codepoints", 3),
        ("𠮷", "codepoints", 1),
    ],
)
def test_other_rules(text: str, rule: CountingRule, expected: int) -> None:
    assert count_characters(text, rule) == expected


@given(st.text(), st.text())
def test_parts_on_two_lines_add_up(one: str, other: str) -> None:
    together = count_characters(f"{one}\n{other}", "word")

    assert together == count_characters(one, "word") + count_characters(other, "word")


@given(st.text())
def test_no_rule_counts_more_than_a_stricter_one(text: str) -> None:
    word, no_space, all_of_it = (
        count_characters(text, "word"),
        count_characters(text, "chars_no_space"),
        count_characters(text, "codepoints"),
    )

    assert 0 <= word <= no_space <= all_of_it


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
def test_every_ideograph_is_one(text: str) -> None:
    assert count_characters(text, "word") == len(text)
