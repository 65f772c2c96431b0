import re

import pytest

from models.cases.actions.names import EventName
from models.cases.actors import Role
from models.notifications.recipients import NOTIFIED_ROLES
from models.refusals import Refused
from services.notifications.mail_template import as_html
from services.notifications.previews import list_templates, preview

EVERY = [(name, role) for name in EventName for role in NOTIFIED_ROLES[name]]


def test_the_list_has_every_event_with_every_role_that_hears_of_it() -> None:
    assert [(item.event, item.role) for item in list_templates()] == [
        (name, role) for name, roles in NOTIFIED_ROLES.items() for role in roles
    ]


@pytest.mark.parametrize(("name", "role"), EVERY)
def test_every_event_and_role_has_a_message_in_chinese_and_english(
    name: EventName, role: Role
) -> None:
    subject, text = preview(name, role)
    page = as_html(subject, text)

    chinese, english = text.split("\n\n")
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert re.match("Case: .*\n[A-Z]", english)
    assert all(line in page for line in text.split("\n") if "“" not in line)
    assert "<style" not in page
    assert 'style="' in page


def test_what_people_wrote_is_escaped() -> None:
    page = as_html("<b>标题</b>", "<script>alert(1)</script>\n" + "&" * 400)

    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


def test_a_role_that_hears_nothing_of_an_event_has_no_message() -> None:
    for event, role in (("returned", "panel"), ("nothing", "body")):
        with pytest.raises(Refused, match="unknown_template"):
            preview(event, role)


@pytest.mark.parametrize(
    ("event", "role", "awaited"),
    [
        ("deadline_approaching", "applicant", "待办：提交申报材料"),
        ("deadline_approaching", "body", "待办：完成省级审核"),
        ("deadline_moved", "organiser", "待办：完成形式审查"),
        ("deadline_passed", "panel", "待办：完成专家评审"),
        ("deadline_approaching", "expert", "待办：完成专家评审"),
        ("formal_check_passed", "expert", "待办：完成专家评审"),
        ("returned", "applicant", "待办：提交申报材料"),
        ("shortlisted", "applicant", "待办：准备现场答辩材料"),
        ("shortlisted", "panel", "待办：完成现场答辩"),
    ],
)
def test_a_preview_asks_of_a_role_what_is_awaited_from_it(
    event: str, role: str, awaited: str
) -> None:
    assert awaited in preview(event, role).text


def test_a_preview_of_an_end_asks_nothing() -> None:
    assert "待办" not in preview("published", "applicant").text
