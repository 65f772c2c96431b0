"""What operations are shown of a case."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.common import SearchAttributeUpdate

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.agenda import Agenda, AgendaItem
from models.cases.messages import Outlook, Standing, StoredTransition
from models.cases.states import ENDED, State
from models.wording import AWAITED, STATES
from workflows import names
from workflows.visibility import (
    agenda_label,
    details,
    search_attribute_updates,
    search_attributes,
    static_details,
    summary,
)

SINCE = datetime(2024, 4, 20, 2, 0, tzinfo=UTC)


def _standing(state: State = State.DRAFT, rows: int = 0, **outlook: Any) -> Standing:
    values: dict[str, Any] = {
        "title": "虚构案例", "unit": "unit_1", "category": "smart-home", "cutoff": SINCE,
        "national_cutoff": SINCE, "deadline": SINCE + timedelta(days=5), "overdue": False,
        "return_rounds": 2, "agenda": Agenda(), "screening": (), "list_sealed": False,
    }  # fmt: skip
    return Standing(
        case_id="case_1", season="2024", body="fujian", state=state, seq=rows, since=SINCE,
        recent=tuple(_row(seq) for seq in range(1, rows + 1)),
        outlook=Outlook(**{**values, **outlook}),
    )  # fmt: skip


def _row(seq: int) -> StoredTransition:
    return StoredTransition(
        case_id="case_1", seq=seq, update_id=f"req_{seq}", action=Action.SUBMIT,
        source=State.DRAFT, target=State.PROVINCE_REVIEW, actor_role=Role.APPLICANT,
        actor_id="unit_1", at=SINCE, command_digest="sha256:1", hash="sha256:2",
    )  # fmt: skip


def test_the_page_says_what_is_awaited_from_whom_and_until_when() -> None:
    assert details(_standing(State.PROVINCE_REVIEW, rows=1)).splitlines() == [
        "**虚构案例**",
        "",
        "- 编号：提交后编号",
        "- 状态：省级审核（`province_review`），自 2024-04-20（周六）10:00 起",
        "- 下一期限：2024-04-25（周四）10:00",
        f"- 等待：推荐单位{AWAITED['province_review'].zh}",
        "- 序号 1，退回 2 次",
        "",
        "最近三次变更：",
        "",
        "- 第 1 步 提交：草稿 → 省级审核，申报单位 `unit_1`，2024-04-20（周六）10:00",
    ]


def test_a_new_draft_has_no_changes_to_show() -> None:
    assert details(_standing()).endswith("最近三次变更：\n\n（尚无）")


def test_what_is_late_or_blocked_is_said() -> None:
    page = details(_standing(overdue=True, agenda=Agenda(blocked_by="没有 2027 年的工作日安排")))
    assert "，已逾期" in page
    assert "- 提醒待定：没有 2027 年的工作日安排" in page


def test_a_request_to_cancel_is_said_and_what_to_do_instead() -> None:
    page = details(_standing(rows=1), SINCE)
    assert "- 2024-04-20（周六）10:00 收到取消流程的请求" in page
    assert "`tuixuan case withdraw case_1`" in page
    assert "取消流程" not in details(_standing(rows=1))


def test_what_never_changes_is_said_at_the_start() -> None:
    assert static_details(_standing()).splitlines()[:4] == [
        "- 征集季：2024",
        "- 推荐单位：fujian",
        "- 申报单位：`unit_1`",
        "- 全部经过：`tuixuan case history case_1`",
    ]


@pytest.mark.parametrize(
    ("state", "offset", "label"),
    [
        (State.DRAFT, 3, "提醒：距提交申报材料的期限 3 个工作日"),
        (State.DRAFT, 0, "期限：提交申报材料，到期自动结束"),
        (State.PROVINCE_REVIEW, 0, "期限：完成省级审核，到期记为逾期"),
        (State.PUBLISHED, 0, "期限：入选公布，到期记为逾期"),
    ],
)
def test_timers_are_labelled_in_words(state: State, offset: int, label: str) -> None:
    item = AgendaItem(id="x", at=SINCE, deadline=SINCE, offset=offset)
    assert agenda_label(item, state) == label


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_page(state: State) -> None:
    ended = state in ENDED
    page = details(_standing(state, deadline=None if ended else SINCE))
    assert f"{STATES[state].zh}（`{state}`）" in page
    assert ("- 等待：无" in page) == ended
    assert ("- 下一期限：无" in page) == ended


def test_the_page_fits() -> None:
    page = details(_standing(rows=3, title="案" * 200))
    assert len(page.encode()) < 20_000


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("短题", "短题"),
        ("案" * 66, "案" * 66),
        ("案" * 67, "案" * 65 + "…"),
        ("a" * 200, "a" * 200),
    ],
)
def test_a_summary_is_cut_at_a_whole_character(title: str, shown: str) -> None:
    assert summary(title) == shown
    assert len(summary(title).encode()) <= 200


def test_page_and_summary_show_the_number_of_a_submitted_case() -> None:
    assert "- 编号：2024-fujian-0012" in details(_standing(number="2024-fujian-0012"))
    assert "- 编号：提交后编号" in details(_standing())
    assert summary("短题", "2024-fujian-0012") == "2024-fujian-0012 短题"


@pytest.mark.parametrize("deadline", [None, SINCE])
def test_attributes_are_the_announced_ones(deadline: datetime | None) -> None:
    standing = _standing(deadline=deadline)
    at_start = {pair.key.name for pair in search_attributes(standing)}
    missing = set() if deadline else {"Deadline"}
    assert at_start == set(names.SEARCH_ATTRIBUTES) - missing
    updates: list[SearchAttributeUpdate[Any]] = search_attribute_updates(standing)
    assert {update.key.name for update in updates} == set(names.SEARCH_ATTRIBUTES) - {
        "Season",
        "Body",
    }
    assert {update.key.name: update.value for update in updates}["Deadline"] == deadline
