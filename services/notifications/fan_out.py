"""Tell people something: a message into each inbox, and a delivery by each chosen channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.notifications.delivery import Channel, DeliveryStatus
from models.notifications.texts import NotificationText
from models.store.upsert import insert_new
from models.tables import Delivery, InboxMessage, table_of
from services.clock import new_id
from services.notifications.readers import Reader, readers

_MESSAGES, _DELIVERIES = table_of(InboxMessage), table_of(Delivery)


@dataclass(frozen=True)
class Notification:
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
    notices: Mapping[str, NotificationText]
    since: datetime | None = None


class Notified(NamedTuple):
    """How many inboxes got a message just now, and how many deliveries that left."""

    messages: int
    deliveries: int


def notify(connection: Connection, message: Notification, at: datetime) -> Notified:
    """Tell everybody who was not told before, within the caller's transaction.

    Args:
        connection: A transaction on the record.
        message: What to tell, and whom; users that do not exist hear nothing.
        at: This instant. Nothing leaves before it, nor in the season's quiet hours.
    """
    messages = deliveries = 0
    for reader in readers(connection, message.notices):
        row = _message(message, reader.id, at)
        if not insert_new(connection, _MESSAGES, row, ("recipient", "event_id")):
            continue
        messages += 1
        for channel in reader.channels:
            connection.execute(_DELIVERIES.insert(), _delivery(row["id"], channel, reader, at))
            deliveries += 1
    return Notified(messages, deliveries)


def _message(message: Notification, user_id: str, at: datetime) -> dict[str, Any]:
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


def _delivery(message_id: str, channel: str, reader: Reader, at: datetime) -> dict[str, Any]:
    digest = channel == Channel.MAIL and reader.gets_digests
    return {
        "id": new_id("dlv"),
        "message_id": message_id,
        "channel": channel,
        "status": DeliveryStatus.WAITING,
        "digest": digest,
        "attempts": 0,
        "next_attempt_at": reader.leaves(at, digest=digest),
    }
