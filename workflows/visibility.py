"""What operations see of a case in the Temporal UI: search attributes, a page of details."""

from datetime import datetime
from typing import Any

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from models.cases.actions.registry import ACTIONS
from models.cases.agenda import AT_DEADLINE, AgendaItem
from models.cases.messages import Standing
from models.cases.states import AWAITED_FROM, LAPSES, State
from models.wording import AWAITED, ROLES, STATES, moment

CASE_STATE = SearchAttributeKey.for_keyword("CaseState")
CASE_SEQ = SearchAttributeKey.for_int("CaseSeq")
SEASON = SearchAttributeKey.for_keyword("Season")
CATEGORY = SearchAttributeKey.for_keyword("Category")
BODY = SearchAttributeKey.for_keyword("Body")
DEADLINE = SearchAttributeKey.for_datetime("Deadline")
OVERDUE = SearchAttributeKey.for_bool("Overdue")
RETURN_ROUNDS = SearchAttributeKey.for_int("ReturnRounds")

SUMMARY_BYTES = 200
"""A static summary may hold 400 bytes; a title longer than half of it is cut."""


def search_attributes(standing: Standing) -> TypedSearchAttributes:
    """Return all attributes of a case, for its start."""
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(CASE_STATE, str(standing.state)),
        SearchAttributePair(CASE_SEQ, standing.seq),
        SearchAttributePair(SEASON, standing.season),
        SearchAttributePair(CATEGORY, standing.outlook.category),
        SearchAttributePair(BODY, standing.body),
        SearchAttributePair(OVERDUE, standing.outlook.overdue),
        SearchAttributePair(RETURN_ROUNDS, standing.outlook.return_rounds),
    ]
    if standing.outlook.deadline is not None:
        pairs.append(SearchAttributePair(DEADLINE, standing.outlook.deadline))
    return TypedSearchAttributes(pairs)


def search_attribute_updates(standing: Standing) -> list[SearchAttributeUpdate[Any]]:
    """Return the attributes that a transition may have changed."""
    deadline: datetime | None = standing.outlook.deadline
    return [
        CASE_STATE.value_set(str(standing.state)),
        CASE_SEQ.value_set(standing.seq),
        CATEGORY.value_set(standing.outlook.category),
        OVERDUE.value_set(standing.outlook.overdue),
        RETURN_ROUNDS.value_set(standing.outlook.return_rounds),
        DEADLINE.value_unset() if deadline is None else DEADLINE.value_set(deadline),
    ]


def summary(title: str, number: str | None = None) -> str:
    """Return the one line that lists show: number and title, cut at a whole character."""
    shown = title if number is None else f"{number} {title}"
    encoded = shown.encode()
    if len(encoded) <= SUMMARY_BYTES:
        return shown
    return encoded[: SUMMARY_BYTES - 3].decode(errors="ignore") + "…"


def static_details(standing: Standing) -> str:
    """Return what never changes of a case, in Markdown, for its start."""
    return "\n".join([
        f"- 征集季：{standing.season}",
        f"- 推荐单位：{standing.body}",
        f"- 申报单位：`{standing.outlook.unit}`",
        f"- 全部经过：`tuixuan case history {standing.case_id}`",
        "- 启动流程：`tuixuan reconcile --restart`（流程被终止后，每夜也会自动重新启动）",
    ])  # fmt: skip


def agenda_label(item: AgendaItem, state: State) -> str:
    """Return what the UI shows beside a timer, e.g. 提醒：距提交申报材料的期限 3 个工作日."""
    awaited = AWAITED[state].zh if state in AWAITED else STATES[state].zh
    if item.offset != AT_DEADLINE:
        return f"提醒：距{awaited}的期限 {item.offset} 个工作日"
    return f"期限：{awaited}，到期{'自动结束' if state in LAPSES else '记为逾期'}"


def details(standing: Standing, cancel_asked_at: datetime | None = None) -> str:
    """Return the page in Markdown: state, since when, what is due, what happened last.

    Args:
        standing: Where the case stands.
        cancel_asked_at: When somebody asked Temporal to cancel the workflow; None: nobody did.
    """
    outlook = standing.outlook
    lines = [
        f"**{outlook.title}**",
        "",
        f"- 编号：{outlook.number or '提交后编号'}",
        f"- 状态：{_state(standing)}",
        f"- 下一期限：{_deadline(standing)}",
        f"- 等待：{_awaited(standing)}",
        f"- 序号 {standing.seq}，退回 {outlook.return_rounds} 次",
    ]
    if outlook.agenda.blocked_by is not None:
        lines.append(f"- 提醒待定：{outlook.agenda.blocked_by}")
    if cancel_asked_at is not None:
        lines.append(
            f"- {moment(cancel_asked_at)} 收到取消流程的请求（Request Cancellation）："
            f"案例不因此结束，照常办理。撤回案例请用 `tuixuan case withdraw {standing.case_id}`"
        )
    lines += ["", "最近三次变更：", ""]
    lines += [
        f"- 第 {row.seq} 步 {ACTIONS[row.action].words.zh}："
        f"{STATES[row.source].zh} → {STATES[row.target].zh}，"
        f"{ROLES[row.actor_role].zh} `{row.actor_id}`，{moment(row.at)}"
        for row in standing.recent
    ] or ["（尚无）"]
    return "\n".join(lines)


def _state(standing: Standing) -> str:
    name = STATES[standing.state].zh
    return f"{name}（`{standing.state}`），自 {moment(standing.since)} 起"


def _deadline(standing: Standing) -> str:
    outlook = standing.outlook
    if outlook.deadline is None:
        return "无"
    return moment(outlook.deadline) + ("，已逾期" if outlook.overdue else "")


def _awaited(standing: Standing) -> str:
    role = AWAITED_FROM.get(standing.state)
    if role is None:
        return "无"
    return f"{ROLES[role].zh}{AWAITED[standing.state].zh}"
