"""Tell people something: a message into each inbox, and a delivery by each chosen channel."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from models.notices import Notice
from models.tables import AppUser, Delivery, InboxMessage, UserChannel, table_of
from services.clock import new_id

MAIL = "mail"
"""The channel of those with an address of their own; the others are in `user_channel`."""

_MESSAGES, _DELIVERIES = table_of(InboxMessage), table_of(Delivery)
_USER, _CHANNEL = table_of(AppUser).c, table_of(UserChannel).c


@dataclass(frozen=True)
class Telling:
    """Something to tell.

    Attributes:
        key: Nobody is told twice of the same; the id of an event, or any stable text.
        event: What kind of thing, e.g. `submitted`.
        case_id: The case that it is about; None: about none.
        notices: User id → what that user is told.
        since: When it happened; None: now.
    """

    key: str
    event: str
    case_id: str | None
    notices: Mapping[str, Notice]
    since: datetime | None = None


class Told(NamedTuple):
    """How many inboxes got a message just now, and how many deliveries that left."""

    messages: int
    deliveries: int


def tell(connection: Connection, message: Telling, at: datetime) -> Told:
    """Tell everybody who was not told before, within the caller's transaction.

    Args:
        connection: A transaction on the record.
        message: What to tell, and whom; users that do not exist hear nothing.
        at: This instant; nothing leaves before it.
    """
    messages = deliveries = 0
    for user_id, channels in _reached(connection, message.notices):
        row = _message(message, user_id, at)
        if not insert_new(connection, _MESSAGES, row, ("recipient", "event_id")):
            continue
        messages += 1
        for channel in channels:
            connection.execute(_DELIVERIES.insert(), _delivery(row["id"], channel, at))
            deliveries += 1
    return Told(messages, deliveries)


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


def _reached(connection: Connection, users: Collection[str]) -> list[tuple[str, list[str]]]:
    """Return each user with the channels that reach them, by id."""
    chosen: dict[str, list[str]] = {}
    for user_id, channel in connection.execute(
        select(_CHANNEL.user_id, _CHANNEL.channel)
        .where(_CHANNEL.user_id.in_(users))
        .order_by(_CHANNEL.channel)
    ):
        chosen.setdefault(user_id, []).append(channel)
    rows = connection.execute(
        select(_USER.id, _USER.email).where(_USER.id.in_(users)).order_by(_USER.id)
    )
    return [
        (row.id, [*([] if row.email is None else [MAIL]), *chosen.get(row.id, [])]) for row in rows
    ]


def _message(message: Telling, user_id: str, at: datetime) -> dict[str, Any]:
    said = message.notices[user_id]
    return {
        "id": new_id("msg"),
        "recipient": user_id,
        "event_id": message.key,
        "event": message.event,
        "case_id": message.case_id,
        "subject": said.subject,
        "text": said.text,
        "at": message.since or at,
    }


def _delivery(message_id: str, channel: str, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id("dlv"),
        "message_id": message_id,
        "channel": channel,
        "status": "waiting",
        "digest": False,
        "attempts": 0,
        "next_attempt_at": at,
    }
