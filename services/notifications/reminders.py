"""Reminders: whether one still matters when its turn comes, and which deadline it gives."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from models import tables
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.events import CaseEvent
from models.ids import EventKey, event_id, parse_event_id
from models.notifications.recipients import REMINDERS, keeps_deadline

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


def deadlines_given(connection: Connection, messages: Sequence[EventMessage]) -> list[CaseEvent]:
    """Return the events whose deadlines the recipients of messages have to keep, in order.

    Only reminders give a deadline, and only to those who have to keep it.
    """
    reminders = [each for each in messages if each.event in REMINDERS]
    events = _events(connection, {each.event_id for each in reminders})
    return [
        found
        for each in reminders
        if (found := events.get(each.event_id)) is not None and _gives_deadline(found, each.role)
    ]


def _gives_deadline(event: CaseEvent, role: str) -> bool:
    data = event.data
    return data.deadline is not None and keeps_deadline(Role(role), data.target, data.awaited)


def _events(connection: Connection, ids: Iterable[str]) -> dict[str, CaseEvent]:
    keys = [tuple(parse_event_id(each)) for each in ids]
    if not keys:
        return {}
    query = select(_outbox.case_id, _outbox.seq, _outbox.body).where(
        tuple_(_outbox.case_id, _outbox.seq).in_(keys)
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
