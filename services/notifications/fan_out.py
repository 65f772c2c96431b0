"""Fan a notification out: a message into each inbox, and a delivery by each chosen channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from models import tables
from models.notifications.delivery import Channel, DeliveryStatus
from models.notifications.texts import NotificationText
from models.store.upsert import insert_new_rows
from services.clock import new_id
from services.notifications.recipients import Recipient, recipients_by_id

type _Row = dict[str, Any]


@dataclass(frozen=True)
class Notification:
    """Something to notify people of.

    Attributes:
        key: Nobody is notified twice under one key: an event's id, or any stable text.
        event: What kind of thing it is, e.g. `submitted`.
        case_id: The case that it is about; None: about none.
        texts: User id → what that user reads.
        since: When it happened; None: now.
    """

    key: str
    event: str
    case_id: str | None
    texts: Mapping[str, NotificationText]
    since: datetime | None = None


class Notified(NamedTuple):
    """How many inboxes got a message just now, and how many deliveries that left."""

    messages: int
    deliveries: int


class Addressed(NamedTuple):
    """A notification, and whom to notify."""

    notification: Notification
    recipients: Sequence[Recipient]


def notify(connection: Connection, notification: Notification, at: datetime) -> Notified:
    """Notify everybody who was not notified before, within the caller's transaction.

    Args:
        connection: A transaction on the record.
        notification: What to say, and to whom; users that do not exist are left out.
        at: This instant. Nothing leaves before it, nor in the season's quiet hours.
    """
    recipients = recipients_by_id(connection, notification.texts)
    return write_messages(connection, [Addressed(notification, recipients)], at)


def write_messages(
    connection: Connection, addressed: Sequence[Addressed], at: datetime
) -> Notified:
    """Do the same with several notifications whose recipients were read already."""
    messages = [
        (_message(each.notification, recipient.id, at), recipient)
        for each in addressed
        for recipient in each.recipients
    ]
    key = ("recipient", "event_id")
    new = insert_new_rows(
        connection, tables.inbox_message, [message for message, _ in messages], key
    )
    deliveries = [
        _delivery(message, channel, recipient, at)
        for message, recipient in messages
        if tuple(message[name] for name in key) in new
        for channel in recipient.channels
    ]
    if deliveries:
        connection.execute(insert(tables.delivery), deliveries)
    return Notified(len(new), len(deliveries))


def _message(notification: Notification, user_id: str, at: datetime) -> _Row:
    text = notification.texts[user_id]
    return {
        "id": new_id("msg"),
        "recipient": user_id,
        "event_id": notification.key,
        "event": notification.event,
        "case_id": notification.case_id,
        "subject": text.subject,
        "text": text.text,
        "at": notification.since or at,
    }


def _delivery(message: _Row, channel: Channel, recipient: Recipient, at: datetime) -> _Row:
    digest = channel is Channel.MAIL and recipient.gets_digests
    return {
        "id": new_id("dlv"),
        "message_id": message["id"],
        "channel": channel,
        "status": DeliveryStatus.WAITING,
        "digest": digest,
        "attempts": 0,
        "next_attempt_at": recipient.rules.leaves(at, digest=digest),
    }
