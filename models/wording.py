"""Words for people: Chinese first, English beside. Keys are the code names."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Words(NamedTuple):
    """One thing in both languages."""

    zh: str
    en: str


STATES = {
    "draft": Words("草稿", "draft"),
    "province_review": Words("省级审核", "province review"),
    "recommendation": Words("推荐", "recommendation"),
    "formal_check": Words("形式审查", "formal check"),
    "correction": Words("补正", "correction"),
    "expert_review": Words("专家评审", "expert review"),
    "oral_defense": Words("现场答辩", "oral defence"),
    "publication": Words("公示", "public notice"),
    "published": Words("入选公布", "published"),
    "not_recommended": Words("未获推荐", "not recommended"),
    "ineligible": Words("形式审查未通过", "ineligible"),
    "not_selected": Words("未入选", "not selected"),
    "withdrawn": Words("撤回", "withdrawn"),
    "lapsed": Words("逾期", "lapsed"),
    "disqualified": Words("取消资格", "disqualified"),
}

ROLES = {
    "applicant": Words("申报单位", "applicant"),
    "body": Words("推荐单位", "recommending body"),
    "organiser": Words("主办方", "organiser"),
    "panel": Words("评审组", "panel"),
    "season": Words("征集日程", "season clock"),
    "expert": Words("专家", "expert"),
    "operator": Words("运维", "operator"),
    "auditor": Words("审计", "auditor"),
    "public": Words("公众", "public"),
}

AWAITED = {
    "draft": Words("提交申报材料", "the form to be filed"),
    "province_review": Words("完成省级审核", "the review to be done"),
    "recommendation": Words("封存推荐名单", "the list to be sealed"),
    "formal_check": Words("完成形式审查", "the formal check to be done"),
    "correction": Words("提交补正材料", "the corrected form to be filed"),
    "expert_review": Words("完成专家评审", "the scores to be given"),
    "oral_defense": Words("完成现场答辩", "the defence to be held"),
    "publication": Words("公示期满并公布结果", "the notice to end and the result to be published"),
}
"""What is awaited in each state that awaits something."""

MILESTONES = {
    "opens": Words("开放申报", "opening"),
    "body_review": Words("省级审核截止", "province review"),
    "cutoff": Words("申报推荐截止", "cutoff"),
    "formal_check": Words("形式审查截止", "formal check"),
    "expert_review": Words("专家评审截止", "expert review"),
    "oral_defense": Words("现场答辩截止", "oral defence"),
    "notice_start": Words("公示开始", "start of the notice"),
    "notice_end": Words("公示结束", "end of the notice"),
}

STATUSES = {
    "waiting": Words("等待", "waiting"),
    "sent": Words("已送出", "sent"),
    "delivered": Words("已送达", "delivered"),
    "failed": Words("已搁置", "set aside"),
    "dropped": Words("已放弃", "discarded"),
    "cancelled": Words("已取消", "cancelled"),
    "open": Words("待处理", "open"),
    "retried": Words("已补办", "retried"),
    "active": Words("启用", "active"),
    "paused": Words("暂停", "paused"),
    "disabled": Words("停用", "disabled"),
    "removed": Words("已移除", "removed"),
}
"""Where a delivery, a webhook, an endpoint or a dead letter stands."""

CHANNELS = {
    "mail": Words("邮件", "mail"),
    "chat": Words("聊天机器人", "chat bot"),
    "sms": Words("短信", "short message"),
}

HAPPENED = {
    "season": Words("日程", "season"),
    "transition": Words("办理", "transition"),
    "reminder": Words("提醒", "reminder"),
    "delivery": Words("投递", "delivery"),
    "webhook": Words("回调", "webhook"),
    "dead_letter": Words("死信", "dead letter"),
    "reconcile": Words("核对", "comparison"),
}
"""The kinds of what `event list` tells of."""

UNREACHED = {
    "no_channel": Words("只有站内消息，没有其他渠道", "no channel beside the inbox"),
    "failed": Words("投递失败，已搁置", "delivery set aside"),
    "waiting": Words("等待投递", "delivery waits"),
    "not_published": Words("事件尚未发布", "event not published"),
    "dead_letter": Words("通知进程放弃了事件", "event given up by notify"),
    "not_notified": Words(
        "没有可通知的用户，或通知尚未处理", "nobody to notify, or notify is behind"
    ),
    "year_missing": Words("缺工作日安排，无法计划提醒", "working days missing"),
    "workflow_missing": Words("流程不在运行", "workflow not running"),
    "late": Words("流程没有按时提醒", "workflow late"),
}
"""Why somebody was not reminded."""

AUDITED = {
    "case.form_seen": Words("查看申报表", "form seen"),
    "case.form_revealed": Words("完整查看申报表", "form seen unmasked"),
    "case.form_saved": Words("保存申报表", "form saved"),
    "case.history_seen": Words("查看案例历史", "history seen"),
    "inbox.seen": Words("查看站内消息", "inbox seen"),
    "users.seen": Words("查看用户", "users seen"),
    "audit.exported": Words("导出审计", "audit exported"),
    "audit.key_rotated": Words("更换签名密钥", "signing key changed"),
}
"""What audit entries tell of, by their action."""

AUDIT_KINDS = {
    "look": Words("查看", "access"),
    "change": Words("修改", "change"),
    "removal": Words("清除", "removal"),
    "key": Words("更换密钥", "key"),
}

EFFECTS = {
    "lapses": Words("随即逾期终止", "lapses at once"),
    "overdue": Words("随即转为逾期", "overdue at once"),
    "earlier": Words("期限提前", "deadline earlier"),
    "later": Words("期限延后", "deadline later"),
    "reopens": Words("由逾期恢复办理", "comes back from lapsed"),
}
"""What a moved date does to a case."""
PREPARED = Words("准备现场答辩材料", "the material for the defence")
"""What is awaited of those who have to come prepared."""

_WEEKDAYS = "一二三四五六日"
_ENGLISH_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BEIJING = ZoneInfo("Asia/Shanghai")


def brief_moment(
    instant: datetime, now: datetime, *, english: bool = False, begins: bool = False
) -> str:
    """Return the instant as tables show it, e.g. 12-30（周三）24:00; another year is named.

    Args:
        instant: Which; as in `moment`, midnight is the end of the day before.
        now: Whose year goes without saying.
        english: Say `12-30 (Wed) 24:00` instead.
        begins: As in `moment`.
    """
    local, clock = _civil(instant, begins=begins)
    day = f"{local:%m-%d}" if local.year == now.astimezone(BEIJING).year else f"{local:%Y-%m-%d}"
    if english:
        return f"{day} ({_ENGLISH_WEEKDAYS[local.weekday()]}) {clock}"
    return f"{day}（周{_WEEKDAYS[local.weekday()]}）{clock}"


def moment(instant: datetime, *, begins: bool = False) -> str:
    """Return the instant in Beijing time with its weekday, e.g. 2024-05-12（周日）24:00.

    An instant at midnight is the exclusive end of the day before, and is shown so; unless it
    `begins` something: then it is 00:00 of its own day.
    """
    local, clock = _civil(instant, begins=begins)
    return f"{local:%Y-%m-%d}（周{_WEEKDAYS[local.weekday()]}）{clock}"


def _civil(instant: datetime, *, begins: bool) -> tuple[datetime, str]:
    """Return a day and a time of it in Beijing: midnight ends the day before, or begins one."""
    local = instant.astimezone(BEIJING)
    if not begins and (local.hour, local.minute, local.second) == (0, 0, 0):
        return local - timedelta(days=1), "24:00"
    return local, f"{local:%H:%M}"


def calendar_days(since: datetime, until: datetime) -> int:
    """Return how many midnights in Beijing lie between two instants."""
    return (until.astimezone(BEIJING).date() - since.astimezone(BEIJING).date()).days


def state_name(state: str) -> str:
    """Return the state's Chinese name with its code, e.g. 草稿 (draft)."""
    return f"{STATES[state].zh} ({state})"


def role_name(role: str) -> str:
    """Return the role's Chinese name with its code, e.g. 推荐单位 (body)."""
    return f"{ROLES[role].zh} ({role})"


def code_of(typed: str, names: Iterable[str], words: Mapping[str, Words]) -> str | None:
    """Return the code name that somebody means by it, or by its word in either language.

    Args:
        typed: What was typed; width, case and spaces do not matter.
        names: The code names to choose from.
        words: Their words.
    """
    wanted = _folded(typed)
    for name in names:
        known = (name, *words[name]) if name in words else (name,)
        if wanted in map(_folded, known):
            return name
    return None


def choices(names: Iterable[str], words: Mapping[str, Words]) -> str:
    """Return code names with their words, e.g. draft（草稿）、lapsed（逾期）."""
    return "、".join(f"{name}（{words[name].zh}）" if name in words else name for name in names)


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
