"""What keeps a form from being filed: all findings at once, each with its place."""

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from models.cases.counting import count_characters
from models.cases.form import CaseForm, Section, body_text, form_digest
from models.programme.definition import Programme
from models.programme.parts import chosen
from models.refusals import Refused
from models.text.numbers import plain_number

__all__ = [
    "CaseForm",
    "Finding",
    "Section",
    "body_text",
    "check_form",
    "count_characters",
    "form_digest",
]

_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}", re.ASCII)
_LANDLINE = re.compile(
    r"(?:\+?86)?(?:0\d{2,3}\d{7,8}|[2-8]\d{6,7}|400\d{7})(?:转\d{1,6})?", re.ASCII
)
_TITLE_LEAST = 2
_CODE_POINTS_EACH = 10
"""A run of letters is one 字 however long; no honest text has more code points each."""


class Finding(BaseModel):
    """One thing to correct.

    Attributes:
        field: the form's key; within sections with its place from 0: `sections.2.text`.
        code: stable English snake_case.
        message: one Chinese sentence that says what to do.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    code: str
    message: str


def check_form(form: CaseForm, programme: Programme) -> list[Finding]:
    """Return all that keeps `form` from being filed, in the order of the form.

    Args:
        form: possibly a draft.
        programme: gives the required fields, choices, headings, limits and how to count.
    """
    found = [
        *_required(form, programme),
        *_choices(form, programme),
        *_phones(form, programme),
        *_lengths(form, programme),
        *_sections(form, programme),
    ]
    order = list(CaseForm.model_fields)
    return sorted(found, key=lambda finding: order.index(finding.field.partition(".")[0]))


def _required(form: CaseForm, programme: Programme) -> Iterator[Finding]:
    for field in programme.form.fields:
        value = getattr(form, field.key)
        if field.required and (_blank(value) if isinstance(value, str) else not value):
            yield Finding(field=field.key, code="required_missing", message=f"请填写{field.title}")


def _blank(text: str) -> bool:
    """Whether a text is empty, or only spaces and invisible characters."""
    return count_characters(text, "chars_no_space") == 0


def _choices(form: CaseForm, programme: Programme) -> Iterator[Finding]:
    if form.category:
        yield from _category(form.category, programme)
    if form.level and chosen(programme.levels, form.level) is None:
        accepted = "、".join(level.title for level in programme.levels)
        message = f"没有“{form.level[:30]}”这个层级，只能选择一个：{accepted}"
        yield Finding(field="level", code="unknown_level", message=message)
    if form.location:
        try:
            programme.body_for(form.location)
        except Refused as refused:
            yield Finding(field="location", code=refused.code, message=refused.message)


def _category(wanted: str, programme: Programme) -> Iterator[Finding]:
    try:
        programme.category(wanted)
    except Refused as refused:
        named = [
            each.title
            for each in programme.categories
            if each.title in wanted or each.key in wanted
        ]
        if len(named) > 1:
            message = f"一个案例只能申报一个类别，现填了 {len(named)} 个：{'、'.join(named)}"
            yield Finding(field="category", code="one_category_only", message=message)
        else:
            yield Finding(field="category", code=refused.code, message=refused.message)


def _phones(form: CaseForm, programme: Programme) -> Iterator[Finding]:
    mobile, phone = plain_number(form.contact_mobile), plain_number(form.contact_phone)
    if mobile and not _MOBILE.fullmatch(mobile):
        message = f"{programme.form.title_of('contact_mobile')}应为 11 位手机号码"
        yield Finding(field="contact_mobile", code="mobile_invalid", message=message)
    if phone and not (_LANDLINE.fullmatch(phone) or _MOBILE.fullmatch(phone)):
        message = f"{programme.form.title_of('contact_phone')}应为带区号的固定电话或手机号码"
        yield Finding(field="contact_phone", code="phone_invalid", message=message)


def _lengths(form: CaseForm, programme: Programme) -> Iterator[Finding]:
    rules = programme.form
    if form.title and count_characters(form.title, rules.counting) < _TITLE_LEAST:
        message = f"{rules.title_of('title')}过短，至少 {_TITLE_LEAST} 字"
        yield Finding(field="title", code="title_too_short", message=message)
    for field, text, limit in (
        ("title", form.title, rules.title_limit),
        ("summary", form.summary, rules.summary_limit),
        ("sections", body_text(form), rules.body_limit),
    ):
        count = count_characters(text, rules.counting)
        code = "body_too_long" if field == "sections" else f"{field}_too_long"
        if count > limit:
            more = f"现为 {count} 字，请删去 {count - limit} 字"
            message = f"{rules.title_of(field)}不得超过 {limit} 字，{more}"
            yield Finding(field=field, code=code, message=message)
        elif len(text) > limit * _CODE_POINTS_EACH:
            message = f"{rules.title_of(field)}含有过长的连续字符，请检查后删减"
            yield Finding(field=field, code=code, message=message)


def _sections(form: CaseForm, programme: Programme) -> Iterator[Finding]:
    if not form.sections:
        return  # the required field says so already
    wanted, given = programme.form.sections, [section.heading for section in form.sections]
    for heading in wanted:
        if heading not in given:
            yield Finding(field="sections", code="section_missing", message=f"缺少“{heading}”一节")
    seen: set[str] = set()
    for place, section in enumerate(form.sections):
        if section.heading not in wanted:
            message = (
                f"第 {place + 1} 节的标题“{section.heading[:30]}”不在要求之列：{'、'.join(wanted)}"
            )
            yield Finding(
                field=f"sections.{place}.heading", code="section_unknown", message=message
            )
        elif section.heading in seen:
            message = f"“{section.heading}”一节重复，请合并"
            yield Finding(
                field=f"sections.{place}.heading", code="section_repeated", message=message
            )
        seen.add(section.heading)
        if _blank(section.text):
            message = f"请填写“{section.heading[:30]}”一节的内容"
            yield Finding(field=f"sections.{place}.text", code="section_empty", message=message)
    known = [heading for heading in dict.fromkeys(given) if heading in wanted]
    if known != sorted(known, key=wanted.index):
        message = f"各节应依次为：{'、'.join(wanted)}"
        yield Finding(field="sections", code="section_order", message=message)
