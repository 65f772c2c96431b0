"""Reminders: whether one still matters when its turn comes, and which deadline it gives."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from models import tables
from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Role
from models.cases.events import CaseEvent, CaseEventData
from models.cases.states import AWAITED_FROM
from models.ids import EventKey, event_id, parse_event_id
from models.notifications.recipients import REMINDERS, keeps_deadline
from models.store.keys import has_key

OVERTAKABLE = frozenset({EventName.DEADLINE_APPROACHING, EventName.DEADLINE_PASSED})
"""Events of which nobody needs to be notified once something followed."""

_line, _case, _outbox = tables.transition.c, tables.case_record.c, tables.outbox.c


class EventMessage(NamedTuple):
    """A message about an event to somebody in a role."""

    event: str
    event_id: str
    role: str


def why_overtaken(connection: Connection, event: str, event_id: str) -> str | None:
    """Return why a message about an event need not leave any more; None: it must.

    Args:
        connection: Where to read.
        event: The event's name; only reminders can be overtaken.
        event_id: Its id.
    """
    if event not in OVERTAKABLE:
        return None
    key = parse_event_id(event_id)
    since = connection.execute(
        select(_line.action, _line.source, _line.target)
        .where(_line.case_id == key.case_id, _line.seq > key.seq)
        .order_by(_line.seq)
    ).all()
    for action, source, target in since:
        if source != target:
            return f"overtaken by {action}"
    actions = {row.action for row in since}
    if Action.MOVE_DEADLINE in actions and _deadline_moved(connection, key):
        return "the deadline was moved"
    return "a later reminder followed" if actions & {Action.REMIND, Action.EXPIRE} else None


class CalendarNews(NamedTuple):
    """What messages change in the calendar of their recipient, as events in their order.

    Attributes:
        given: Each gives a deadline that the recipient has to keep.
        over: Each ends one that the recipient was given before.
    """

    given: tuple[CaseEvent, ...]
    over: tuple[CaseEvent, ...]


def calendar_news(connection: Connection, messages: Sequence[EventMessage]) -> CalendarNews:
    """Return what messages change in the calendars of their recipients.

    Only reminders give a deadline, and only to those who have to keep it. It is over for them
    once the case goes on or ends.
    """
    events = _events(connection, {each.event_id for each in messages})
    known = [(each, events[each.event_id]) for each in messages if each.event_id in events]
    given = [event for each, event in known if _gives_deadline(each, event.data)]
    over = [event for each, event in known if _ends_deadline(each, event.data)]
    reminded = _reminded_before(connection, [each.data for each in over])
    return CalendarNews(tuple(given), tuple(each for each in over if each.id in reminded))


def _gives_deadline(message: EventMessage, data: CaseEventData) -> bool:
    reminds = message.event in REMINDERS and data.deadline is not None
    return reminds and keeps_deadline(Role(message.role), data.target, data.awaited)


def _ends_deadline(message: EventMessage, data: CaseEventData) -> bool:
    left, role = data.source, Role(message.role)
    return left != data.target and keeps_deadline(role, left, AWAITED_FROM.get(left))


def _reminded_before(connection: Connection, left: Sequence[CaseEventData]) -> set[str]:
    """Return the ids of those events before which somebody was reminded in the state they left."""
    if not left:
        return set()
    query = select(_line.case_id, _line.seq, _line.source).where(
        _line.case_id.in_({each.case_id for each in left}),
        _line.action.in_([name for name, each in ACTIONS.items() if each.reminds]),
    )
    reminders = connection.execute(query).all()
    return {
        event_id(each.case_id, each.seq)
        for each in left
        if any(
            case_id == each.case_id and seq < each.seq and state == each.source
            for case_id, seq, state in reminders
        )
    }


def _events(connection: Connection, ids: Iterable[str]) -> dict[str, CaseEvent]:
    keys = [(key.case_id, key.seq) for key in map(parse_event_id, ids)]
    if not keys:
        return {}
    query = select(_outbox.case_id, _outbox.seq, _outbox.body).where(
        has_key(_outbox.case_id, _outbox.seq, keys)
    )
    return {
        event_id(case_id, seq): CaseEvent.model_validate_json(body)
        for case_id, seq, body in connection.execute(query)
    }


def _deadline_moved(connection: Connection, key: EventKey) -> bool:
    """Whether the case's deadline is not the one that a reminder gave."""
    row = connection.execute(
        select(_line.command["deadline"], _case.deadline)
        .join_from(tables.transition, tables.case_record, _case.id == _line.case_id)
        .where(_line.case_id == key.case_id, _line.seq == key.seq)
    ).one_or_none()
    if row is None or row[0] is None:
        return True
    given, current = row
    return bool(datetime.fromisoformat(str(given)) != current)
