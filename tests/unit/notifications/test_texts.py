from datetime import UTC, datetime

import pytest

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS, BY_EVENT
from models.cases.actors import Role
from models.cases.events import CaseEventData
from models.cases.states import State
from models.notifications.recipients import NOTIFIED_ROLES
from models.notifications.texts import WITH_REASON, notification_text

ACTION_OF = {name: each.action for name, each in BY_EVENT.items()}
EVERY_LINE = [(name, role) for name in EventName for role in NOTIFIED_ROLES[name]]
DEADLINE = datetime(2024, 5, 12, 16, tzinfo=UTC)  # 24:00 of that Sunday in Beijing
REASON = "（示例）请补充用户规模。"


def happened(name: EventName, **changes: object) -> CaseEventData:
    values = {
        "case_id": "case_01",
        "seq": 1,
        "action": ACTION_OF[name],
        "from": State.DRAFT,
        "to": State.CORRECTION,
        "actor_role": Role.BODY,
        "season": "2024",
        "body": "fujian",
        "unit": "unit_01",
        "category": "home",
        "title": "（示例）智慧家庭",
        "deadline": DEADLINE,
        "awaited": Role.APPLICANT,
        "record_hash": "sha256:0",
    }
    return CaseEventData.model_validate(values | changes)


def test_every_event_and_role_that_hears_of_it_has_words_and_no_other() -> None:
    assert list(BY_EVENT) == [ACTIONS[action].event for action in Action]
    assert set(BY_EVENT) == set(EventName)


@pytest.mark.parametrize(("name", "role"), EVERY_LINE)
def test_a_message_names_the_case_in_chinese_and_then_in_english(
    name: EventName, role: Role
) -> None:
    subject, text = notification_text(happened(name, awaited=role), role, REASON, english=True)

    head = BY_EVENT[name].headline
    assert subject == f"《（示例）智慧家庭》{head.zh} {head.en}【推选】"
    chinese, english = text.split("\n\n")
    assert chinese.startswith(
        "案例：《（示例）智慧家庭》（case_01）\n" + BY_EVENT[name].notified[role].zh
    )
    assert english.startswith(
        "Case: （示例）智慧家庭 (case_01)\n" + BY_EVENT[name].notified[role].en
    )
    assert "期限：2024-05-12（周日）24:00（北京时间）" in chinese
    assert "Due: 2024-05-12 24:00 (Beijing time)" in english
    assert (REASON in text) is (name in WITH_REASON)


def test_a_return_reads_as_a_whole_with_and_without_its_english_half() -> None:
    data = happened(EventName.RETURNED, to=State.DRAFT)
    told, chinese = (
        notification_text(data, Role.APPLICANT, REASON, english=english)
        for english in (True, False)
    )

    assert chinese.subject == "《（示例）智慧家庭》已退回修改【推选】"
    assert chinese.text == told.text.partition("\n\n")[0] + "\n"
    assert told.text == (
        "案例：《（示例）智慧家庭》（case_01）\n"
        "推荐单位将案例退回修改，请按意见修改后重新提交。\n"
        "说明：（示例）请补充用户规模。\n"
        "当前状态：草稿\n"
        "待办：提交申报材料\n"
        "期限：2024-05-12（周日）24:00（北京时间）\n"
        "\n"
        "Case: （示例）智慧家庭 (case_01)\n"
        "The recommending body returned your case; please revise and file it again.\n"
        "Remarks: as written above.\n"
        "Now: draft\n"
        "Awaited from you: the form to be filed\n"
        "Due: 2024-05-12 24:00 (Beijing time)\n"
    )


def test_a_reminder_says_how_many_working_days_are_left() -> None:
    data = happened(EventName.DEADLINE_APPROACHING, working_days_left=3)

    subject, text = notification_text(data, Role.APPLICANT, english=True)

    assert subject == "《（示例）智慧家庭》期限将至（剩 3 个工作日） Due soon【推选】"
    assert "剩余：3 个工作日" in text
    assert "Working days left: 3" in text


def test_a_moved_deadline_shows_the_old_and_the_new_time() -> None:
    before = datetime(2024, 4, 25, 2, 30, tzinfo=UTC)
    data = happened(EventName.DEADLINE_MOVED, deadline_before=before)

    text = notification_text(data, Role.APPLICANT, english=True).text

    assert "原期限：2024-04-25（周四）10:30（北京时间）\n" in text
    assert "Due before: 2024-04-25 10:30 (Beijing time)\n" in text
    assert "期限：2024-05-12（周日）24:00（北京时间）\n" in text


def test_a_deadline_that_was_taken_away_is_said_to_be_none() -> None:
    data = happened(EventName.DEADLINE_MOVED, deadline=None, deadline_before=DEADLINE)

    assert "\n期限：无\n" in notification_text(data, Role.APPLICANT).text


def test_nothing_is_asked_of_those_from_whom_nothing_is_awaited() -> None:
    text = notification_text(happened(EventName.CORRECTION_REQUESTED), Role.BODY, REASON).text

    assert "待办" not in text
    assert "期限：" not in text


def test_a_subject_is_one_line_and_its_title_leaves_room_for_what_happened() -> None:
    data = happened(EventName.SUBMITTED, title="长\n题 " + "字" * 100)

    subject = notification_text(data, Role.BODY).subject

    assert subject == "《长 题 " + "字" * 25 + "…》已提交【推选】"


def test_a_submitted_case_is_named_by_its_number() -> None:
    told = notification_text(
        happened(EventName.RETURNED, number="2024-fujian-0012"),
        Role.APPLICANT,
        REASON,
        english=True,
    )
    assert told.text.startswith("案例：《（示例）智慧家庭》（2024-fujian-0012）\n")
    assert "Case: （示例）智慧家庭 (2024-fujian-0012)\n" in told.text
    assert "case_01" not in told.text
