"""Notify people of what happened to a case: whom an event concerns, and what each of them reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from models import tables
from models.cases.actors import Role
from models.cases.events import CaseEvent
from models.ids import event_id
from models.notifications.recipients import roles_notified
from models.notifications.texts import WITH_REASON, notification_text
from models.store.keys import has_key
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.notifications.fan_out import Addressed, Notification, Notified, write_messages
from services.notifications.recipients import Recipient, concerned_by
from services.notifications.reminders import why_overtaken
from services.stream.cursors import lock_cursors, move_cursors

type _People = dict[tuple[str, str, str, tuple[Role, ...]], list[Recipient]]
"""Those whom events of a season, a unit and a body concern in these roles, as read so far."""

_message, _line = tables.inbox_message.c, tables.transition.c
_NOTIFIED = (
    select(_message.event_id)
    .where(_message.event_id.in_(bindparam("events", expanding=True)))
    .distinct()
)
_REASONS = select(_line.case_id, _line.seq, _line.reason)


class EventNotification(NamedTuple):
    """What was read for the notification of an event.

    Attributes:
        event: The event.
        addressed: What each recipient reads; None: nobody is to be notified.
        overtaken: Why not, if it is a reminder that no longer matters.
    """

    event: CaseEvent
    addressed: Addressed | None = None
    overtaken: str | None = None


def prepare(connection: Connection, events: Sequence[IncomingEvent]) -> list[EventNotification]:
    """Read all that the notification of events needs, each thing once and without a lock.

    An event of which somebody was notified is left out: a user who was entered later is not
    notified of it. A reminder that comes after what it reminds of was done, or after a later
    reminder, notifies nobody: this happens after an outage.
    """
    reasons = _reasons_of_new(connection, events)
    people: _People = {}
    return [
        _prepare(connection, people, each.event, reasons[each.event.id])
        for each in events
        if each.event.id in reasons
    ]


def write(
    connection: Connection,
    events: Sequence[IncomingEvent],
    prepared: Sequence[EventNotification],
    at: datetime,
) -> Notified:
    """Move the cursors and write the messages, within the caller's transaction.

    Events of a case may come in any order, so that one of which nobody can be notified does not
    hold up the next.
    """
    # First: the cursors' rows keep a second worker waiting until this transaction ends.
    lock_cursors(connection, Durable.NOTIFY, events, at)
    move_cursors(connection, Durable.NOTIFY, events, at)
    addressed = [each.addressed for each in prepared if each.addressed is not None]
    return write_messages(connection, addressed, at)


def _prepare(
    connection: Connection, people: _People, event: CaseEvent, reason: str | None
) -> EventNotification:
    if (why := why_overtaken(connection, event.name, event.id)) is not None:
        return EventNotification(event, overtaken=why)
    roles = roles_notified(event.data)
    data = event.data
    alike = (data.season, data.unit, data.body, tuple(roles))
    if alike not in people:
        people[alike] = concerned_by(connection, data, roles)
    recipients = people[alike]
    english = any(each.rules.english for each in recipients)  # all are of the case's season
    by_role = {role: notification_text(data, role, reason, english=english) for role in roles}
    texts = {each.id: by_role[each.role] for each in recipients}
    notification = Notification(event.id, event.name, data.case_id, texts, event.time)
    return EventNotification(event, Addressed(notification, recipients))


def _reasons_of_new(
    connection: Connection, events: Sequence[IncomingEvent]
) -> dict[str, str | None]:
    """Return the reason that each event needs, by event, of those of which nobody was notified.

    The reason is what a person wrote with the action; it never travels with the event.
    """
    found = connection.execute(_NOTIFIED, {"events": [each.event.id for each in events]})
    done = set(found.scalars())
    new = [each.event for each in events if each.event.id not in done]
    with_reason = [each for each in new if each.name in WITH_REASON]
    keys = [(each.data.case_id, each.data.seq) for each in with_reason]
    reasons = {}
    if keys:
        found = connection.execute(_REASONS.where(has_key(_line.case_id, _line.seq, keys)))
        reasons = {event_id(case_id, seq): reason for case_id, seq, reason in found}
    return {each.id: reasons.get(each.id) for each in new}
