"""What one event does: a message to everybody concerned, also by the channels that each chose."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine, select

from models.cases.events import CaseEvent
from models.notifications.recipients import roles_notified
from models.notifications.texts import WITH_REASON, notification_text
from models.store.engine import reading, transaction
from models.stream.names import Durable
from models.tables import InboxMessage, Transition, table_of
from services.clock import now
from services.notifications.fan_out import Notification, Notified, notify
from services.people.recipients import find_recipients
from services.stream.cursors import advance_cursor, read_cursor
from workers.notify.staleness import overtaken

_LINES = table_of(Transition)
_MESSAGES = table_of(InboxMessage)

_log = structlog.get_logger(__name__)


class NotifyHandler:
    """Tells people of events; each event once to each of them."""

    name = Durable.NOTIFY

    def __init__(
        self,
        engine: Engine,
        *,
        told: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Take the record.

        Args:
            engine: The record.
            told: Called after each event that leaves something to send; from any thread.
            clock: Says when a mail may leave.
        """
        self._engine, self._told, self._clock = engine, told, clock

    def last_seq(self, case_id: str) -> int:
        """Return the furthest event of a case of which people were told."""
        with reading(self._engine) as connection:
            return read_cursor(connection, self.name, case_id)

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Tell everybody concerned, in one transaction; an event told before does nothing.

        A reminder that comes after what it reminds of was done, or after a later one, is
        not told: after an outage one catches up.

        Events of a case may come in any order, so that one that cannot be told does not
        keep people from hearing of the next: only the event's own messages count.
        """
        del body, stream_seq
        with transaction(self._engine) as connection:
            # First of all: it locks out a second worker.
            case_id, seq = event.data.case_id, event.data.seq
            advance_cursor(connection, self.name, case_id, seq, self._clock())
            if _already_notified(connection, event):
                return
            why = overtaken(connection, event.name, event.id)
            told = Notified(0, 0) if why else self._notify(connection, event)
        if why:
            _log.info("reminder_not_told", event_id=event.id, why=why)
        _log.info(
            "event_told", event_id=event.id, messages=told.messages, deliveries=told.deliveries
        )
        if told.deliveries:
            self._told()

    def _notify(self, connection: Connection, event: CaseEvent) -> Notified:
        data, roles = event.data, roles_notified(event.data)
        reason = _reason(connection, event) if event.name in WITH_REASON else None
        said = {role: notification_text(data, role, reason) for role in roles}
        people = find_recipients(connection, roles, data.season, data.unit, data.body)
        notices = {person.id: said[person.role] for person in people}
        telling = Notification(event.id, event.name, data.case_id, notices, event.time)
        return notify(connection, telling, self._clock())


def _already_notified(connection: Connection, event: CaseEvent) -> bool:
    """Whether anybody was told: who came later is not told of what was before them."""
    message = _MESSAGES.c
    found = select(message.id).where(message.event_id == event.id).limit(1)
    return connection.scalar(found) is not None


def _reason(connection: Connection, event: CaseEvent) -> str | None:
    """Return what was written with the action; it never travels with the event."""
    line = _LINES.c
    found: str | None = connection.scalar(
        select(line.reason).where(line.case_id == event.data.case_id, line.seq == event.data.seq)
    )
    return found
