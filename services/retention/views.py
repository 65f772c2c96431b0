"""What people are told of each class of data: its name, what is due, what was removed."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class ClassWords(NamedTuple):
    """What a class of data holds, and from when its days count."""

    label: str
    since: str


WORDS: Mapping[str, ClassWords] = {
    "forms": ClassWords("申报表的各个版本", "案例终结"),
    "reasons": ClassWords("意见、理由的文字", "案例终结"),
    "messages": ClassWords("站内消息与投递", "消息发出且案例已终结"),
    "webhooks": ClassWords("回调的投递与应答", "投递办结"),
    "addresses": ClassWords("邮箱、聊天机器人与手机号码", "本季日程与全部案例结束"),
}
FOREVER = (
    "办理记录（不含文字）", "案例名称与申报单位", "事件", "日程调整及其理由",
    "查看、修改、清除等行为的记录", "审计记录",
)  # fmt: skip
"""What is never removed."""


class ClassDue(BaseModel):
    """How much of a class may be removed now.

    Attributes:
        name: The class, as in the programme.
        since: From when its days count, in words.
        due: How many rows.
        oldest: The earliest instant from which the days of a due row count; None: none is due.
    """

    model_config = ConfigDict(frozen=True)

    season: str
    name: str
    label: str
    days: int
    since: str
    due: int
    oldest: datetime | None


class ClassRemoved(BaseModel):
    """How much of a class was removed. `deeds`: how many audit entries say so."""

    model_config = ConfigDict(frozen=True)

    season: str
    name: str
    label: str
    removed: int
    deeds: int
