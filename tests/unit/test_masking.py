"""What is masked can be recognised and not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cases.form import CaseForm
from models.cases.masked_form import mask_form
from models.masking import mask_name, mask_text
from tests.factories import form


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("13800138000", "138****8000"),
        ("请打 +86 138-0013-8000 联系", "请打 +86 138****8000 联系"),
        ("0591-87654321", "0591-****4321"),
        ("name@example.invalid", "***@example.invalid"),
        ("１３９１２３４５６７８", "１３９****５６７８"),
        ("139\u00a01234\u00a05678", "139****5678"),
        ("139\u30001234\u30005678", "139****5678"),
        ("139.1234.5678", "139****5678"),
        ("139\u20111234\u20115678", "139****5678"),
        ("３５０１０２１９９００１０１１２３Ｘ", "３５０１**********Ｘ"),
        # of the same kind
        ("手机：１３９－１２３４－５６７８转", "手机：１３９****５６７８转"),
        ("139。1234。5678", "139****5678"),
        ("1\u200b3912345678", "1\u200b39****5678"),
        ("①③⑨①②③④⑤⑥⑦⑧", "①③⑨****⑤⑥⑦⑧"),
        ("350102 19900101 123Ｘ", "3501**********Ｘ"),
        ("1380 013 8000", "138****8000"),
        ("＋８６\u3000591\u30008765\u30004321", "＋８６\u3000591\u3000****4321"),
        ("（０５９１）８７６５－４３２１", "（０５９１）****４３２１"),
        ("0591-87654321-801", "0591-****4321-801"),
        (
            "邮箱:ｎａｍｅ＠ｅｘａｍｐｌｅ．ｉｎｖａｌｉｄ",
            "邮箱:***＠ｅｘａｍｐｌｅ．ｉｎｖａｌｉｄ",
        ),
        ("name@example。invalid", "***@example。invalid"),
        # what is masked stays so, whatever stands before it
        ("①13912345678", "①139****5678"),
        ("ＴＥＬ13912345678", "ＴＥＬ139****5678"),
        ("号码。13912345678", "号码。139****5678"),
        ("1712345678.123456", "1712345678.123456"),
        ("没有号码", "没有号码"),
        ("case_01M8476SB4079FDAT3KC3M0G8D", "case_01M8476SB4079FDAT3KC3M0G8D"),
    ],
)
def test_a_text_keeps_what_is_not_personal(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(("name", "masked"), [("", ""), ("王", "王"), ("王小二", "王**")])
def test_of_a_name_the_first_character_stays(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_of_a_form_everything_else_stays() -> None:
    whole = form(contact_name="虚构人", contact_mobile="13800138000", contact_phone="87654321")
    masked = mask_form(whole)
    assert (masked.contact_mobile, masked.contact_phone) == ("138****8000", "876****")
    personal = {"contact_name", "contact_mobile", "contact_phone"}
    assert masked.model_dump(exclude=personal) == whole.model_dump(exclude=personal)


def _otherwise(character: str, data: st.DataObject) -> str:
    """Return a character as an input method or a copied page may have it."""
    if character.isdecimal():
        return data.draw(st.sampled_from([character, *(chr(n + int(character)) for n in DIGITS)]))
    return data.draw(st.sampled_from(SPELLINGS.get(character, character)))


DIGITS = (0xFF10, 0x0660, 0x1D7CE)
"""Zeros: full-width, Arabic, mathematical."""
SPELLINGS = {
    "-": "-\u2010\u2011\u2013\u2014\uff0d\u2212\u30fc",
    " ": " \u00a0\u2002\u3000\u202f",
    ".": ".．。・·",
    "X": "XＸ",
    "+": "+＋",
    "(": "(（",
    ")": ")）",
}
NUMBERS = [
    r"1[3-9][0-9]{9}",
    r"1[3-9][0-9]-[0-9]{4}-[0-9]{4}",
    r"1[3-9][0-9]\.[0-9]{4}\.[0-9]{4}",
    r"\+86 1[3-9][0-9] [0-9]{4} [0-9]{4}",
    r"0[1-9][0-9]{2}-[0-9]{8}",
    r"\(0[1-9][0-9]\)[0-9]{8}",
    r"[1-9][0-9]{16}X",
    r"[1-9][0-9]{5} [0-9]{8} [0-9]{3}X",
]


@given(
    st.data(),
    st.sampled_from(NUMBERS),
    st.sampled_from(["", "电话：", "（", "号码。", "见 "]),
    st.sampled_from(["", "转", "。", " 联系", "），１２号"]),
)
def test_a_number_is_masked_in_every_spelling_and_nothing_around_it_changes(
    data: st.DataObject, pattern: str, before: str, after: str
) -> None:
    number = data.draw(st.from_regex(pattern, fullmatch=True))
    plain = mask_text(number)
    assert plain != number
    spelt = "".join(_otherwise(each, data) for each in number)
    masked = mask_text(f"{before}{spelt}{after}")
    assert masked.startswith(before)
    assert masked.endswith(after)
    inner = masked[len(before) : len(masked) - len(after)]
    head, stars, tail = inner.partition("*" * plain.count("*"))
    assert stars
    assert (len(head), len(tail)) == tuple(map(len, plain.split(stars)))
    assert spelt.startswith(head)
    assert spelt.endswith(tail)


@given(st.text(st.sampled_from("1380 -.０１３。\u200b①xX@a（张:"), max_size=40))
def test_masking_takes_text_and_never_adds_any(text: str) -> None:
    masked = mask_text(text)
    rest = iter(text)
    assert all(each == "*" or each in rest for each in masked)


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["{}", "电话{}。", "a {} b"])
)
def test_no_mobile_number_survives_anywhere(number: str, around: str) -> None:
    text = around.format(number)
    masked = mask_form(CaseForm(contact_mobile=number, summary=text, note=text))
    assert number not in masked.model_dump_json()
