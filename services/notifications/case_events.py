"""Notify people of what happened to a case: whom an event concerns, and what each of them reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from models import tables
from models.cases.events import CaseEvent
from models.notifications.recipients import roles_notified
from models.notifications.texts import WITH_REASON, notification_text
from models.stream.names import Durable
from services.notifications.fan_out import Notification, Notified, write_messages
from services.notifications.recipients import Recipient, concerned_by
from services.notifications.reminders import why_overtaken
from services.stream.cursors import advance_cursor


@dataclass(frozen=True)
class PreparedNotification:
    """What was read for the notification of an event.

    Attributes:
        recipients: Whom to notify.
        notification: What each of them reads; None: nobody is to be notified.
        overtaken: Why not, if it is a reminder that no longer matters.
        done: Somebody was notified of the event before.
    """

    recipients: Sequence[Recipient] = ()
    notification: Notification | None = None
    overtaken: str | None = None
    done: bool = False


def prepare(connection: Connection, event: CaseEvent) -> PreparedNotification:
    """Read all that the notification of an event needs, each thing once and without a lock.

    A user who was entered after an event was notified of is not notified of it. A reminder that
    comes after what it reminds of was done, or after a later reminder, notifies nobody: this
    happens after an outage.
    """
    done, reason = _read_event(connection, event)
    if done:
        return PreparedNotification(done=True)
    if (why := why_overtaken(connection, event.name, event.id)) is not None:
        return PreparedNotification(overtaken=why)
    roles = roles_notified(event.data)
    recipients = concerned_by(connection, event.data, roles)
    english = any(each.rules.english for each in recipients)  # all are of the case's season
    by_role = {role: notification_text(event.data, role, reason, english=english) for role in roles}
    texts = {each.id: by_role[each.role] for each in recipients}
    notification = Notification(event.id, event.name, event.data.case_id, texts, event.time)
    return PreparedNotification(recipients, notification)


def write(
    connection: Connection, event: CaseEvent, prepared: PreparedNotification, at: datetime
) -> Notified:
    """Move the cursor and write the messages, within the caller's transaction.

    Events of a case may come in any order, so that one of which nobody can be notified does not
    hold up the next.
    """
    # First: the cursor's row keeps a second worker waiting until this transaction ends.
    advance_cursor(connection, Durable.NOTIFY, event.data.case_id, event.data.seq, at)
    if prepared.notification is None:
        return Notified(0, 0)
    return write_messages(connection, prepared.notification, prepared.recipients, at)


def _read_event(connection: Connection, event: CaseEvent) -> tuple[bool, str | None]:
    """Return whether anybody was notified of an event, and the reason that it needs.

    The reason is what a person wrote with the action; it never travels with the event.
    """
    message, line = tables.inbox_message.c, tables.transition.c
    notified = select(message.id).where(message.event_id == event.id).exists()
    reason = select(line.reason).where(
        line.case_id == event.data.case_id, line.seq == event.data.seq
    )
    query = select(notified, reason.scalar_subquery())
    done, written = connection.execute(query).one()
    return bool(done), written if event.name in WITH_REASON else None
