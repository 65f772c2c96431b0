"""What one event does: a message to everybody concerned, and a mail to those with one."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Table, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from activities.database import reading, transaction
from models.commands import Role
from models.events import CaseEvent
from models.notices import WITH_REASON, Notice, notice
from models.recipients import roles_told
from models.tables import ConsumerCursor, Delivery, InboxMessage, Transition, table_of
from services.clock import new_id, now
from services.people import Recipient, find_recipients

MAIL = "mail"
"""The one channel so far, beside the inbox that everybody has."""

_CURSORS, _LINES = table_of(ConsumerCursor), table_of(Transition)
_MESSAGES, _DELIVERIES = table_of(InboxMessage), table_of(Delivery)

_log = structlog.get_logger(__name__)


class NotifyHandler:
    """Tells people of events; each event once to each of them."""

    name = "notify"

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
            told: Called after each event that leaves mails to send; from any thread.
            clock: Says when a mail may leave.
        """
        self._engine, self._told, self._clock = engine, told, clock

    def last_seq(self, case_id: str) -> int:
        """Return the furthest event of a case of which people were told."""
        with reading(self._engine) as connection:
            found = connection.scalar(
                select(_CURSORS.c.last_seq).filter_by(consumer=self.name, case_id=case_id)
            )
        return found or 0

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Tell everybody concerned, in one transaction; an event told before does nothing.

        Events of a case may come in any order, so that one that cannot be told does not
        keep people from hearing of the next: only the event's own messages count.
        """
        del body, stream_seq
        with transaction(self._engine) as connection:
            _move_cursor(connection, event, self._clock())
            if _was_told(connection, event):
                return
            messages, mails = self._tell(connection, event)
        _log.info("event_told", event_id=event.id, messages=messages, deliveries=mails)
        if mails:
            self._told()

    def _tell(self, connection: Connection, event: CaseEvent) -> tuple[int, int]:
        data, roles = event.data, roles_told(event.data)
        reason = _reason(connection, event) if event.name in WITH_REASON else None
        notices = {role: notice(data, role, reason) for role in roles}
        messages = mails = 0
        for recipient in find_recipients(connection, roles, data.season, data.unit, data.body):
            message = _message(event, recipient, notices)
            if not insert_new(connection, _MESSAGES, message, ("recipient", "event_id")):
                continue
            messages += 1
            if recipient.email is not None:
                connection.execute(_DELIVERIES.insert(), self._delivery(message["id"]))
                mails += 1
        return messages, mails

    def _delivery(self, message_id: str) -> dict[str, Any]:
        return {
            "id": new_id("dlv"),
            "message_id": message_id,
            "channel": MAIL,
            "status": "waiting",
            "attempts": 0,
            "next_attempt_at": self._clock(),
        }


def insert_new(
    connection: Connection, table: Table, row: Mapping[str, Any], key: tuple[str, ...]
) -> bool:
    """Insert a row unless one of this key is there; tell whether it was inserted."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    added = connection.execute(
        insert(table)
        .values(row)
        .on_conflict_do_nothing(index_elements=list(key))
        .returning(table.c[key[0]])  # a row comes back only where one went in
    )
    return added.one_or_none() is not None


def _message(
    event: CaseEvent, recipient: Recipient, notices: Mapping[Role, Notice]
) -> dict[str, Any]:
    said = notices[recipient.role]
    return {
        "id": new_id("msg"),
        "recipient": recipient.id,
        "event_id": event.id,
        "event": event.name,
        "case_id": event.data.case_id,
        "subject": said.subject,
        "text": said.text,
        "at": event.time,
    }


def _was_told(connection: Connection, event: CaseEvent) -> bool:
    """Whether anybody was told: who came later is not told of what was before them."""
    message = _MESSAGES.c
    found = select(message.id).where(message.event_id == event.id).limit(1)
    return connection.scalar(found) is not None


def _move_cursor(connection: Connection, event: CaseEvent, at: datetime) -> None:
    """Note the furthest event of the case. It comes first: it locks out a second worker."""
    seq, place = event.data.seq, {"consumer": NotifyHandler.name, "case_id": event.data.case_id}
    row = {**place, "last_seq": seq, "at": at}
    if not insert_new(connection, _CURSORS, row, tuple(place)):
        connection.execute(
            update(_CURSORS)
            .filter_by(**place)
            .values(
                last_seq=case((_CURSORS.c.last_seq < seq, seq), else_=_CURSORS.c.last_seq), at=at
            )
        )


def _reason(connection: Connection, event: CaseEvent) -> str | None:
    """Return what was written with the action; it never travels with the event."""
    line = _LINES.c
    found: str | None = connection.scalar(
        select(line.reason).where(line.case_id == event.data.case_id, line.seq == event.data.seq)
    )
    return found
