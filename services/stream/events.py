"""What became of an event after it was recorded: published, witnessed, told to whom."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, func, select

from models.refusals import Refused
from models.store.engine import reading
from models.tables import AppUser, Delivery, InboxMessage, Outbox, table_of
from models.tables.audit import AuditChainRow
from models.tables.webhooks import WebhookDelivery

_OUTBOX, _AUDIT = table_of(Outbox).c, table_of(AuditChainRow).c
_MESSAGES, _USERS, _DELIVERIES = table_of(InboxMessage), table_of(AppUser), table_of(Delivery)

MOST_STUCK = 50


class Delivered(BaseModel):
    """One message by one channel. `delivery`: its id, for `delivery retry`."""

    model_config = ConfigDict(from_attributes=True)

    channel: str
    status: str
    delivery: str


class NotifiedUser(BaseModel):
    """Somebody who was told.

    Attributes:
        user, role: Who; no name and no address.
        at: When the message lay in the inbox.
        read_at: When it was read there; None: not yet.
        ways: How it went by each channel beside the inbox; empty: the inbox alone.
    """

    user: str
    role: str
    at: datetime
    read_at: datetime | None
    ways: list[Delivered]


class WebhookSent(BaseModel):
    """One webhook of an event, or one repetition of it. `delivery`: for `webhook replay`."""

    model_config = ConfigDict(from_attributes=True)

    endpoint: str
    status: str
    attempts: int
    delivery: str


class EventView(BaseModel):
    """An event's way.

    Attributes:
        stream_seq, audit: Its places there; None: not there yet.
        told: The people whom it concerns.
        webhooks: What was put up for endpoints of other systems.
    """

    id: str
    event: str
    recorded_at: datetime
    published_at: datetime | None
    stream_seq: int | None
    attempts: int
    last_error: str | None
    audit: int | None
    told: list[NotifiedUser]
    webhooks: list[WebhookSent]


class WaitingEvent(BaseModel):
    """An event that could not be published, and why."""

    id: str
    attempts: int
    last_error: str | None


class Backlog(BaseModel):
    """What is recorded and not announced. `oldest_seconds`: how long the first one waits."""

    waiting: int
    oldest_at: datetime | None
    oldest_seconds: float
    stuck: list[WaitingEvent]


def show_event(engine: Engine, audit: Engine, event_id: str) -> EventView:
    """Return what became of an event.

    Raises:
        Refused: There is none of this id, which is `case_id:seq`.
    """
    case_id, _, seq = event_id.rpartition(":")
    with reading(engine) as connection:
        row = connection.execute(
            select(
                _OUTBOX.subject, _OUTBOX.created_at, _OUTBOX.published_at, _OUTBOX.stream_seq,
                _OUTBOX.attempts, _OUTBOX.last_error,
            ).where(_OUTBOX.case_id == case_id, _OUTBOX.seq == _number(seq))
        ).one_or_none()  # fmt: skip
    if row is None:
        message = f"没有事件 {event_id}；事件编号为“案例编号:序号”。"
        raise Refused("unknown_event", message)
    with reading(audit) as connection:
        witnessed = connection.scalar(select(_AUDIT.n).where(_AUDIT.event_id == event_id))
    return EventView(
        id=event_id,
        event=row.subject.split(".")[3],
        recorded_at=row.created_at,
        published_at=row.published_at,
        stream_seq=row.stream_seq,
        attempts=row.attempts,
        last_error=row.last_error,
        audit=witnessed,
        told=_told(engine, event_id),
        webhooks=_posted(engine, event_id),
    )


def backlog(engine: Engine, at: datetime) -> Backlog:
    """Return what the relay has still to publish, as of `at`."""
    waiting = _OUTBOX.published_at.is_(None)
    failed = (
        select(_OUTBOX.case_id, _OUTBOX.seq, _OUTBOX.attempts, _OUTBOX.last_error)
        .where(waiting, _OUTBOX.attempts > 0)
        .order_by(_OUTBOX.id)
        .limit(MOST_STUCK)
    )
    with reading(engine) as connection:
        count, oldest = connection.execute(
            select(func.count(), func.min(_OUTBOX.created_at)).where(waiting)
        ).one()
        stuck = [
            WaitingEvent(
                id=f"{row.case_id}:{row.seq}", attempts=row.attempts, last_error=row.last_error
            )
            for row in connection.execute(failed)
        ]
    seconds = 0.0 if oldest is None else max(0.0, (at - oldest).total_seconds())
    return Backlog(waiting=count, oldest_at=oldest, oldest_seconds=round(seconds, 3), stuck=stuck)


def _told(engine: Engine, event_id: str) -> list[NotifiedUser]:
    message, delivery = _MESSAGES.c, _DELIVERIES.c
    query = (
        select(
            message.recipient.label("user"), _USERS.c.role, message.at, message.read_at,
            delivery.channel, delivery.status, delivery.id.label("delivery"),
        )
        .join_from(_MESSAGES, _USERS)
        .join(_DELIVERIES, delivery.message_id == message.id, isouter=True)
        .where(message.event_id == event_id)
        .order_by(message.recipient, delivery.id)
    )  # fmt: skip
    found: dict[str, NotifiedUser] = {}
    with reading(engine) as connection:
        for row in connection.execute(query):
            told = found.setdefault(
                row.user,
                NotifiedUser(user=row.user, role=row.role, at=row.at, read_at=row.read_at, ways=[]),
            )
            if row.delivery is not None:
                told.ways.append(Delivered.model_validate(row))
    return list(found.values())


def _posted(engine: Engine, event_id: str) -> list[WebhookSent]:
    sent = table_of(WebhookDelivery).c
    query = (
        select(
            sent.endpoint_id.label("endpoint"), sent.status, sent.attempts,
            sent.id.label("delivery"),
        )
        .where(sent.event_id == event_id)
        .order_by(sent.id)
    )  # fmt: skip
    with reading(engine) as connection:
        return [WebhookSent.model_validate(row) for row in connection.execute(query)]


def _number(text: str) -> int:
    """Return a seq; 0, which no event has, for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len("1000000000") else 0
