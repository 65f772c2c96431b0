"""The wording of messages: a subject and a text for an event and a role.

Chinese, with an English half beneath where the call asks for one. A message says what the event
says and, where nobody could act without it, the reason that a person wrote.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from models.cases.actions.names import EventName
from models.cases.actions.registry import ACTIONS, BY_EVENT
from models.cases.actors import Role
from models.cases.events import CaseEventData
from models.notifications.recipients import PREPARES, keeps_deadline
from models.wording import AWAITED, PREPARED, ROLES, STATES, Words, moment

WITH_REASON = frozenset(name for name, each in BY_EVENT.items() if each.reason_notified)
"""Events whose notification has the reason that was written for them."""

SUBJECT_TITLE = 30
"""How many characters of a title a subject shows: what happened has to be seen behind it."""
MARK = "【推选】"
"""At the end of each subject: lists of mails show their beginnings."""


class NotificationText(NamedTuple):
    """A message to one role, ready for an inbox or a mail."""

    subject: str
    text: str


def notification_text(
    data: CaseEventData, role: Role, reason: str | None = None, *, english: bool = False
) -> NotificationText:
    """Return what a role reads about an event.

    Args:
        data: The event.
        role: One that is notified of it (`models.notifications.recipients.roles_notified`).
        reason: What a person wrote with the action; left out unless the event is one
            of `WITH_REASON`.
        english: Whether an English half follows.
    """
    name = ACTIONS[data.action].event
    if name not in WITH_REASON:
        reason = None
    title, sentence = " ".join(data.title.split()), BY_EVENT[name].notified[role]
    number = data.number or data.case_id
    lines = [Words(f"案例：《{title}》（{number}）", f"Case: {title} ({number})"), sentence]
    if reason is not None:
        lines.append(Words(f"说明：{reason}", "Remarks: as written above."))
    state = STATES[data.target]
    lines.append(Words(f"当前状态：{state.zh}", f"Now: {state.en}"))
    lines += _dates(name, data, role)
    halves = [[line.zh for line in lines], [line.en for line in lines]]
    said = ["\n".join([*half, ""]) for half in (halves if english else halves[:1])]
    return NotificationText(_subject(name, data, english=english), "\n".join(said))


def salutation(role: Role, name: str) -> str:
    """Return how a mail to a user begins; a desk without a name of its own is called by its role.

    Args:
        role: In what capacity the user is notified.
        name: The name of the person, unit or body.
    """
    called = ROLES[role].zh if name == role else " ".join(name.split())
    return f"{called}：\n您好！"


def digest(messages: Sequence[tuple[str, str]]) -> NotificationText:
    """Return several messages, each a subject and a text, as one."""
    count = len(messages)
    parts = [f"{n}. {subject}\n\n{text}" for n, (subject, text) in enumerate(messages, 1)]
    head = f"以下是 {count} 条消息。"
    return NotificationText(f"{count} 条消息{MARK}", "\n".join([head, "", *parts]))


def _subject(name: EventName, data: CaseEventData, *, english: bool) -> str:
    head, title = BY_EVENT[name].headline, " ".join(data.title.split())
    if len(title) > SUBJECT_TITLE:
        title = title[: SUBJECT_TITLE - 1] + "…"
    left = f"（剩 {data.working_days_left} 个工作日）" if data.working_days_left else ""
    return f"《{title}》{head.zh}{left}" + (f" {head.en}" if english else "") + MARK


def _dates(name: EventName, data: CaseEventData, role: Role) -> list[Words]:
    """Return what is awaited from a role and by when; nothing if nothing is."""
    if not keeps_deadline(role, data.target, data.awaited):
        return []
    lines = []
    if name is EventName.DEADLINE_MOVED:
        lines.append(_at(Words("原期限", "Due before"), data.deadline_before))
    awaited = AWAITED[data.target] if PREPARES.get(data.target) is not role else PREPARED
    lines.append(Words(f"待办：{awaited.zh}", f"Awaited from you: {awaited.en}"))
    if data.deadline is not None or name is EventName.DEADLINE_MOVED:
        lines.append(_at(Words("期限", "Due"), data.deadline))
    if data.working_days_left:
        days = data.working_days_left
        lines.append(Words(f"剩余：{days} 个工作日", f"Working days left: {days}"))
    return lines


def _at(label: Words, instant: datetime | None) -> Words:
    if instant is None:
        return Words(f"{label.zh}：无", f"{label.en}: none")
    shown = moment(instant)
    day, clock = shown.split("（")[0], shown.split("）")[-1]
    return Words(f"{label.zh}：{shown}（北京时间）", f"{label.en}: {day} {clock} (Beijing time)")
