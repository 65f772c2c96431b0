"""Words for people: Chinese first, English beside. Keys are the code names."""

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

PREPARED = Words("准备现场答辩材料", "the material for the defence")
"""What is awaited of those who have to come prepared."""

_WEEKDAYS = "一二三四五六日"
BEIJING = ZoneInfo("Asia/Shanghai")


def moment(instant: datetime) -> str:
    """Return the instant in Beijing time with its weekday, e.g. 2024-05-12（周日）24:00.

    An instant at midnight is the exclusive end of the day before, and is shown so.
    """
    local = instant.astimezone(BEIJING)
    clock = f"{local:%H:%M}"
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        local, clock = local - timedelta(days=1), "24:00"
    return f"{local:%Y-%m-%d}（周{_WEEKDAYS[local.weekday()]}）{clock}"


def state_name(state: str) -> str:
    """Return the state's Chinese name with its code, e.g. 草稿 (draft)."""
    return f"{STATES[state].zh} ({state})"
