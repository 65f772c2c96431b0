"""Deliveries outside the inbox: how each went, and sending one again."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, select, update

from models import tables
from models.notifications.delivery import Channel, DeliveryStatus
from models.refusals import Refused
from models.retention import removed
from models.store.engine import reading, transaction
from models.wording import CHANNELS, STATUSES, choices, code_of

MOST_AT_ONCE = 200
"""How many rows one page holds at most."""

_delivery, _message = tables.delivery.c, tables.inbox_message.c


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
    """Return a page of deliveries, the newest first.

    Args:
        engine: The record.
        status: Only these.
        user_id: Only to this user.
        event_id: Only of this event, `case_id:seq`.
        channel: Only by this one: `mail`, `chat` or `sms`.
        limit: How many at most, up to `MOST_AT_ONCE`.
        after: The id of the last delivery of the page before; None: from the newest.
    """
    query = (
        select(*_delivery, _message.recipient, _message.event_id)
        .join_from(tables.delivery, tables.inbox_message)
        .order_by(_delivery.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    for column, wanted in (
        (_delivery.status, status),
        (_message.recipient, user_id),
        (_message.event_id, event_id),
        (_delivery.channel, channel),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(_delivery.id < after)
    with reading(engine) as connection:
        return [DeliveryItem.model_validate(row) for row in connection.execute(query)]


def parse_status(text: str | None) -> DeliveryStatus | None:
    """Return the status that somebody typed.

    Raises:
        Refused: There is no such status.
    """
    if text is None:
        return None
    found = code_of(text, DeliveryStatus, STATUSES)
    if found is None:
        known = choices(DeliveryStatus, STATUSES)
        raise Refused("unknown_status", f"没有状态 {text}，可选：{known}。")
    return DeliveryStatus(found)


def parse_channel(text: str | None) -> Channel | None:
    """Return the channel that somebody typed.

    Raises:
        Refused: There is no such channel.
    """
    if text is None:
        return None
    found = code_of(text, Channel, CHANNELS)
    if found is None:
        message = f"没有渠道 {text}，可选：{choices(Channel, CHANNELS)}。"
        raise Refused("unknown_channel", message)
    return Channel(found)


def send_again(engine: Engine, delivery_id: str, at: datetime) -> None:
    """Make a delivery due now, whatever became of it; the same message leaves.

    Raises:
        Refused: `unknown_delivery`, or `removed`: its text is not kept any more.
    """
    removed_at = select(_message.removed_at).join_from(tables.delivery, tables.inbox_message)
    mine = _delivery.id == delivery_id
    with transaction(engine) as connection:
        row = connection.execute(removed_at.where(mine)).one_or_none()
        if row is None:
            raise Refused("unknown_delivery", f"没有投递 {delivery_id}。")
        if row.removed_at is not None:
            raise removed(f"投递 {delivery_id} 的内容", row.removed_at)
        connection.execute(
            update(tables.delivery)
            .where(mine)
            .values(status=DeliveryStatus.WAITING, digest=False, attempts=0, next_attempt_at=at)
        )
