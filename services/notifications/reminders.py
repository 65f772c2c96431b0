"""What a reminder reminds of: whether it still waits when its turn comes, and until when."""

from datetime import datetime

from sqlalchemy import Connection, select

from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.events import CaseEvent
from models.notifications.recipients import REMINDERS, keeps_deadline
from models.tables import CaseRecord, Outbox, Transition, table_of

_LINE, _CASE = table_of(Transition).c, table_of(CaseRecord).c
_OUTBOX = table_of(Outbox).c
OVERTAKEN = frozenset({EventName.DEADLINE_APPROACHING, EventName.DEADLINE_PASSED})
"""Which events need not be told once something followed."""


def overtaken(connection: Connection, event: str, event_id: str) -> str | None:
    """Return why a message need not leave any more; None: it must.

    Args:
        connection: Where to read.
        event: What the message tells of; only reminders can be overtaken.
        event_id: `case_id:seq` of that event.
    """
    if event not in OVERTAKEN:
        return None
    case_id, _, number = event_id.rpartition(":")
    seq = int(number)
    since = select(_LINE.action).where(_LINE.case_id == case_id, _LINE.seq > seq)
    moved_on = since.where(_LINE.source != _LINE.target).order_by(_LINE.seq).limit(1)
    if (action := connection.scalar(moved_on)) is not None:
        return f"overtaken by {action}"
    moved = since.where(_LINE.action == Action.MOVE_DEADLINE).limit(1)
    if connection.scalar(moved) is not None and _deadlines_differ(connection, case_id, seq):
        return "the deadline was moved"
    reminded = since.where(_LINE.action.in_((Action.REMIND, Action.EXPIRE))).limit(1)
    return None if connection.scalar(reminded) is None else "a later reminder followed"


def event_due(connection: Connection, event: str, event_id: str, role: str) -> CaseEvent | None:
    """Return the event whose deadline the recipient has to keep; None: it gives them none.

    Args:
        connection: Where to read.
        event: What the message tells of; only reminders give a deadline.
        event_id: `case_id:seq` of that event.
        role: The recipient's.
    """
    if event not in REMINDERS:
        return None
    case_id, _, seq = event_id.rpartition(":")
    body = connection.scalar(
        select(_OUTBOX.body).where(_OUTBOX.case_id == case_id, _OUTBOX.seq == int(seq))
    )
    if body is None:
        return None
    found = CaseEvent.model_validate_json(body)
    data = found.data
    given = data.deadline is not None and keeps_deadline(Role(role), data.target, data.awaited)
    return found if given else None


def _deadlines_differ(connection: Connection, case_id: str, seq: int) -> bool:
    """Whether the case's deadline is not the one of which a reminder spoke."""
    spoke_of = connection.scalar(
        select(_LINE.command["deadline"]).where(_LINE.case_id == case_id, _LINE.seq == seq)
    )
    stands = connection.scalar(select(_CASE.deadline).where(_CASE.id == case_id))
    return spoke_of is None or datetime.fromisoformat(str(spoke_of)) != stands
