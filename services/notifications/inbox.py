"""What people were told: their inbox, and how the mails went."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, select, update

from models.notifications.delivery import DeliveryStatus
from models.refusals import Refused
from models.retention import removed
from models.store.engine import reading, transaction
from models.tables import AppUser, Delivery, InboxMessage, table_of
from services.people.users import unknown_user

MOST_AT_ONCE = 200
"""How many rows one page holds at most."""

_MESSAGES, _DELIVERIES = table_of(InboxMessage), table_of(Delivery)
_USER, _MESSAGE, _DELIVERY = table_of(AppUser).c, _MESSAGES.c, _DELIVERIES.c


class InboxItem(BaseModel):
    """A message in somebody's inbox. `event`: the event's name, e.g. `submitted`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    event_id: str
    event: str
    case_id: str | None
    subject: str
    text: str
    at: datetime
    read_at: datetime | None


class DeliveryItem(BaseModel):
    """One message by one channel, and how it went; the address is not shown."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    message_id: str
    recipient: str
    event_id: str
    channel: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    sent_at: datetime | None


def inbox(
    engine: Engine, user_id: str, limit: int = 50, after: str | None = None
) -> list[InboxItem]:
    """Return a page of a user's messages, the newest first.

    Args:
        engine: The record.
        user_id: Whose.
        limit: How many at most, up to `MOST_AT_ONCE`.
        after: The id of the last message of the page before; None: from the newest.

    Raises:
        Refused: `unknown_user`.
    """
    query = (
        select(*(_MESSAGE[name] for name in InboxItem.model_fields))
        .where(_MESSAGE.recipient == user_id)
        .order_by(_MESSAGE.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    if after is not None:
        query = query.where(_MESSAGE.id < after)
    with reading(engine) as connection:
        _refuse_unknown(connection, user_id)
        return [InboxItem.model_validate(row) for row in connection.execute(query)]


def mark_read(engine: Engine, user_id: str, message_ids: Sequence[str], at: datetime) -> int:
    """Mark messages of a user as read; those read before keep their time.

    Returns:
        How many were unread until now.

    Raises:
        Refused: `unknown_user`.
    """
    with transaction(engine) as connection:
        _refuse_unknown(connection, user_id)
        changed = connection.execute(
            update(_MESSAGES)
            .where(
                _MESSAGE.recipient == user_id,
                _MESSAGE.id.in_(message_ids),
                _MESSAGE.read_at.is_(None),
            )
            .values(read_at=at)
        )
        return changed.rowcount


def deliveries(  # noqa: PLR0913 - filters, each by its name
    engine: Engine,
    *,
    status: DeliveryStatus | None = None,
    user_id: str | None = None,
    event_id: str | None = None,
    channel: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> list[DeliveryItem]:
    """Return a page of deliveries outside the inbox, the newest first.

    Args:
        engine: The record.
        status: Only these; `failed` are those that were set aside.
        user_id: Only to this user.
        event_id: Only of this event, `case_id:seq`.
        channel: Only by this one: `mail`, `chat` or `sms`.
        limit: How many at most, up to `MOST_AT_ONCE`.
        after: The id of the last delivery of the page before; None: from the newest.
    """
    query = (
        select(*_DELIVERY, _MESSAGE.recipient, _MESSAGE.event_id)
        .join_from(_DELIVERIES, _MESSAGES)
        .order_by(_DELIVERY.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    for column, wanted in (
        (_DELIVERY.status, status),
        (_MESSAGE.recipient, user_id),
        (_MESSAGE.event_id, event_id),
        (_DELIVERY.channel, channel),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(_DELIVERY.id < after)
    with reading(engine) as connection:
        return [DeliveryItem.model_validate(row) for row in connection.execute(query)]


def known_status(text: str | None) -> DeliveryStatus | None:
    """Return the status that somebody typed.

    Raises:
        Refused: There is no such status.
    """
    if text is None:
        return None
    if text not in set(DeliveryStatus):
        raise Refused("unknown_status", f"没有状态 {text}，可选：{'、'.join(DeliveryStatus)}。")
    return DeliveryStatus(text)


def send_again(engine: Engine, delivery_id: str, at: datetime) -> None:
    """Put a delivery first in the queue again, whatever became of it; the same mail leaves.

    Raises:
        Refused: `unknown_delivery`, or `removed`: what it said is not kept any more.
    """
    with transaction(engine) as connection:
        found = select(_MESSAGE.removed_at).join_from(_DELIVERIES, _MESSAGES)
        row = connection.execute(found.where(_DELIVERY.id == delivery_id)).one_or_none()
        if row is None:
            raise Refused("unknown_delivery", f"没有投递 {delivery_id}。")
        if row.removed_at is not None:
            raise removed(f"投递 {delivery_id} 的内容", row.removed_at)
        connection.execute(
            update(_DELIVERIES)
            .where(_DELIVERY.id == delivery_id)
            .values(status=DeliveryStatus.WAITING, digest=False, attempts=0, next_attempt_at=at)
        )


def _refuse_unknown(connection: Connection, user_id: str) -> None:
    if connection.scalar(select(_USER.id).where(_USER.id == user_id)) is None:
        raise unknown_user(user_id)
