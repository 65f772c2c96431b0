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


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["{}", "电话{}。", "a {} b"])
)
def test_no_mobile_number_survives_anywhere(number: str, around: str) -> None:
    text = around.format(number)
    masked = mask_form(CaseForm(contact_mobile=number, summary=text, note=text))
    assert number not in masked.model_dump_json()
