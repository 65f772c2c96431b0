"""Previews: what each role reads about each event, shown with an invented case."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from models.cases.actions.names import EventName
from models.cases.actions.registry import BY_EVENT
from models.cases.actors import Role
from models.cases.events import CaseEventData
from models.cases.lifecycle import RULES
from models.cases.states import AWAITED_FROM, State
from models.notifications.recipients import NOTIFIED_ROLES, roles_notified
from models.notifications.texts import NotificationText, notification_text
from models.refusals import Refused

_DEADLINE = datetime.fromisoformat("2024-05-13T00:00:00+08:00")
_BEFORE = datetime.fromisoformat("2024-05-01T00:00:00+08:00")


class TemplateItem(BaseModel):
    """An event and a role that is notified of it."""

    event: EventName
    role: Role
    subject: str


def list_templates() -> list[TemplateItem]:
    """Return every event with every role that is notified of it."""
    return [
        TemplateItem(event=name, role=role, subject=sample(name, role).subject)
        for name, roles in NOTIFIED_ROLES.items()
        for role in roles
    ]


def preview(event: str, role: str) -> NotificationText:
    """Return what a role reads about an event of an invented case.

    Raises:
        Refused: `unknown_template`: that role is not notified of such an event.
    """
    for name, roles in NOTIFIED_ROLES.items():
        for notified in roles:
            if (name, notified) == (event, role):
                return sample(name, notified)
    message = f"没有发给 {role} 的 {event} 模板，可用 tuixuan template list 查看全部。"
    raise Refused("unknown_template", message)


def sample(name: EventName, role: Role) -> NotificationText:
    """Return the message about an invented case, at a step of which that role is notified."""
    notified = (each for each in _steps(name) if role in roles_notified(each))
    return notification_text(next(notified), role, "（示例）请补充用户规模。", english=True)


def _steps(name: EventName) -> Iterator[CaseEventData]:
    """Yield the event at each step of the lifecycle at which it can happen."""
    for rule in RULES:
        if rule.action is BY_EVENT[name].action:
            for source in rule.sources:
                yield _data(name, source, rule.dest or source)


def _data(name: EventName, source: State, target: State) -> CaseEventData:
    awaited = AWAITED_FROM.get(target)
    return CaseEventData(
        case_id="case_EXAMPLE",
        seq=3,
        action=BY_EVENT[name].action,
        **{"from": source, "to": target},
        actor_role=Role.ORGANISER,
        season="2024",
        body="fujian",
        unit="unit_EXAMPLE",
        category="smart-home",
        title="（示例）智慧家庭服务",
        number="2024-fujian-0012",
        deadline=None if awaited is None else _DEADLINE,
        deadline_before=_BEFORE if name is EventName.DEADLINE_MOVED else None,
        working_days_left=3 if name is EventName.DEADLINE_APPROACHING else None,
        awaited=awaited,
        record_hash="sha256:0",
    )
