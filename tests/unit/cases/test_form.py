"""A form says all that it lacks at once; a file that is no form is refused by its place."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cases.form_check import (
    CaseForm,
    Finding,
    Section,
    body_text,
    check_form,
    count_characters,
    form_digest,
)
from models.programme.definition import Programme
from models.refusals import Refused
from models.text.entry import unfit

PROGRAMMES = Path(__file__).resolve().parents[3] / "programmes"
PROGRAMME = Programme.from_toml(PROGRAMMES.joinpath("2024-new-services.toml").read_text("utf-8"))
EXAMPLE = PROGRAMMES.joinpath("samples/case.toml").read_text("utf-8")
FORM = CaseForm.from_toml(EXAMPLE)
HEADINGS = PROGRAMME.form.sections


def with_changes(**changes: object) -> CaseForm:
    return CaseForm.model_validate(FORM.model_dump() | changes)


def sections(headings: Sequence[str], text: str = "已上线。") -> list[dict[str, str]]:
    return [{"heading": heading, "text": text} for heading in headings]


def found(form: CaseForm) -> list[tuple[str, str]]:
    return [(finding.field, finding.code) for finding in check_form(form, PROGRAMME)]


def test_the_example_is_complete_and_long() -> None:
    assert check_form(FORM, PROGRAMME) == []
    assert count_characters(body_text(FORM), "word") >= 1000
    assert [section.heading for section in FORM.sections] == list(HEADINGS)


def test_an_empty_draft_loads_and_names_every_required_field() -> None:
    required = [field.key for field in PROGRAMME.form.fields if field.required]

    assert found(CaseForm.from_toml("")) == [(key, "required_missing") for key in required]
    assert "note" not in required


def test_a_finding_speaks_to_the_person() -> None:
    finding = check_form(with_changes(title=""), PROGRAMME)[0]

    assert finding == Finding(field="title", code="required_missing", message="请填写案例名称")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"title": " \u200b "}, [("title", "required_missing"), ("title", "title_too_short")]),
        ({"title": "云"}, [("title", "title_too_short")]),
        ({"title": "云" * 60}, []),
        ({"title": "云" * 61}, [("title", "title_too_long")]),
        ({"category": "智慧家庭新场景"}, []),
        ({"category": "smart-home"}, []),
        ({"category": "智慧家庭"}, [("category", "unknown_category")]),
        ({"category": "智慧家庭新场景、数字文化新应用"}, [("category", "one_category_only")]),
        ({"level": "county"}, []),
        ({"level": "乡级"}, [("level", "unknown_level")]),
        ({"location": "兵团"}, []),
        ({"location": "火星"}, [("location", "unknown_location")]),
        ({"contact_mobile": "+86 138-0000-0000"}, []),
        ({"contact_mobile": "１３８００００００００"}, []),
        ({"contact_mobile": "＋８６\u3000138\u20110000\u00a00000"}, []),
        ({"contact_mobile": "138.0000.0000"}, []),
        ({"contact_mobile": "१३८०००००००"}, [("contact_mobile", "mobile_invalid")]),
        ({"contact_phone": "（０５９１）０００００００００"}, [("contact_phone", "phone_invalid")]),
        ({"contact_phone": "（０５９１）００００－００００"}, []),
        ({"contact_mobile": "1380000000"}, [("contact_mobile", "mobile_invalid")]),
        ({"contact_mobile": "不方便"}, [("contact_mobile", "mobile_invalid")]),
        ({"contact_phone": "13800000000"}, []),
        ({"contact_phone": "(0591) 0000 0000"}, []),
        ({"contact_phone": "010-00000000转801"}, []),
        ({"contact_phone": "400-000-0000"}, []),
        ({"contact_phone": "0591"}, [("contact_phone", "phone_invalid")]),
        ({"contact_phone": "0591-abc"}, [("contact_phone", "phone_invalid")]),
        ({"note": ""}, []),
        ({"summary": "字" * 500}, []),
        ({"summary": "字" * 501}, [("summary", "summary_too_long")]),
        ({"summary": "word " * 500}, []),
        ({"summary": "w" * 5001}, [("summary", "summary_too_long")]),
        ({"sections": []}, [("sections", "required_missing")]),
        ({"sections": sections(HEADINGS)}, []),
        ({"sections": sections(HEADINGS[:5])}, [("sections", "section_missing")]),
        ({"sections": sections(HEADINGS[::-1])}, [("sections", "section_order")]),
        (
            {"sections": sections([*HEADINGS, "附录"])},
            [("sections.6.heading", "section_unknown")],
        ),
        (
            {"sections": sections([*HEADINGS, HEADINGS[5]])},
            [("sections.6.heading", "section_repeated")],
        ),
        (
            {"sections": [*sections(HEADINGS[:5]), *sections(HEADINGS[5:], " ")]},
            [("sections.5.text", "section_empty")],
        ),
        (
            {"sections": [*sections(HEADINGS[:5]), *sections([""])]},
            [("sections", "section_missing"), ("sections.5.heading", "section_unknown")],
        ),
        ({"sections": sections(HEADINGS, "字" * 833)}, []),
        ({"sections": sections(HEADINGS, "字" * 834)}, [("sections", "body_too_long")]),
        ({"sections": sections(HEADINGS, "w" * 9000)}, [("sections", "body_too_long")]),
    ],
)
def test_findings(changes: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert found(with_changes(**changes)) == expected


def test_all_findings_come_at_once_in_the_order_of_the_form() -> None:
    form = with_changes(title="", level="乡级", summary="字" * 501, contact_mobile="1")

    assert found(form) == [
        ("title", "required_missing"),
        ("level", "unknown_level"),
        ("contact_mobile", "mobile_invalid"),
        ("summary", "summary_too_long"),
    ]


def test_a_limit_says_by_how_much() -> None:
    message = check_form(with_changes(summary="字" * 512), PROGRAMME)[0].message

    assert message == "案例简介不得超过 500 字，现为 512 字，请删去 12 字"


def test_limits_and_counting_are_the_programmes() -> None:
    rules = PROGRAMME.form.model_copy(update={"summary_limit": 3, "counting": "codepoints"})
    strict = PROGRAMME.model_copy(update={"form": rules})

    codes = [each.code for each in check_form(with_changes(summary="a b c"), strict)]

    assert codes == ["summary_too_long"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('titel = "x"', "titel 不认识的键"),
        ('category = ["audiovisual", "smart-home"]', "category 一个案例只能申报一个类别"),
        ("contact_mobile = 13800000000", "contact_mobile 应为文本，请加引号"),
        ('sections = "x"', "sections 应为列表"),
        ('sections = ["x"]', r"sections\[1\] 应为一个表"),
        ('[[sections]]\nheading = "x"\nbody = "y"', r"sections\[1\]\.body 不认识的键"),
        ('title = "一\\n二"', "title 只能写一行"),
        ('summary = "\\u0000"', "summary 第 1 个字符是不显示的控制字符（U\\+0000）"),
        (f'title = "{"长" * 501}"', "title 过长，最多 500 个字符"),
        ("[[sections]]\n" * 51, "sections 最多 50 项"),
        ('title = "x', "第 1 行"),
        ('title = "x"\ntitle = "y"', "第 2 行末尾.*同一个键写了两次"),
        ("title = ", "值写得不对"),
    ],
)
def test_a_file_that_is_no_form_is_refused_by_its_place(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        CaseForm.from_toml(text)

    assert refused.value.code == "case_file_invalid"


@pytest.mark.parametrize("value", [None, [], {"title": 1}, {"title": "\ud800"}])
def test_a_body_that_is_no_form_is_refused(value: object) -> None:
    with pytest.raises(Refused) as refused:
        CaseForm.from_json(value)

    assert refused.value.code == "case_file_invalid"
    assert refused.value.message.startswith("案例内容有误")


def test_the_digest_is_pinned() -> None:
    form = CaseForm(title="示例", sections=(Section(heading="基本情况", text="已上线。"),))

    assert form_digest(form) == (
        "sha256:1c73b2add2788d0d058580df962d28198e6b54d6a3625daa66a48b99926c47b7"
    )


texts = st.text(
    st.characters().filter(lambda each: unfit(each, one_line=True) is None), max_size=40
)
forms = st.builds(
    CaseForm,
    title=texts,
    category=texts,
    level=texts,
    unit=texts,
    location=texts,
    contact_name=texts,
    contact_position=texts,
    contact_phone=texts,
    contact_mobile=texts,
    summary=texts,
    sections=st.lists(st.builds(Section, heading=texts, text=texts), max_size=7).map(tuple),
    note=texts,
)


@given(forms)
def test_any_draft_can_be_checked_stored_and_digested(form: CaseForm) -> None:
    stored = CaseForm.from_json(json.loads(json.dumps(form.model_dump(mode="json"))))

    assert stored == form
    assert form_digest(stored) == form_digest(form)
    assert all(finding.message for finding in check_form(form, PROGRAMME))


@given(st.sampled_from(list(CaseForm.model_fields)[:-3]), texts)
def test_any_change_changes_the_digest(field: str, text: str) -> None:
    changed = with_changes(**{field: text})

    assert (form_digest(changed) == form_digest(FORM)) == (changed == FORM)
