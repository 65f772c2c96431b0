"""Show an event: when it was recorded, published and witnessed, and whom it reached."""

from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from models import tables
from models.ids import EventKey, parse_event_id
from models.refusals import Refused
from models.store.engine import reading
from models.stream.names import parse_subject
from models.tables.audit import audit_record
from services.stream.event_views import Delivered, EventView, NotifiedUser, WebhookSent


def show_event(engine: Engine, audit: Engine, event_id: str) -> EventView:
    """Return what became of an event.

    Raises:
        Refused: `unknown_event`; an id is `case_id:seq`.
    """
    try:
        key = parse_event_id(event_id)
    except ValueError as error:
        raise _unknown(event_id) from error
    with reading(engine) as connection:
        row = _outbox_row(connection, key)
        if row is None:
            raise _unknown(event_id)
        notified = _notified_users(connection, event_id)
        webhooks = _webhooks(connection, event_id)
    with reading(audit) as connection:
        witnessed = connection.scalar(
            select(audit_record.c.n).where(audit_record.c.event_id == event_id)
        )
    return EventView(
        id=event_id,
        event=parse_subject(row.subject).event,
        recorded_at=row.created_at,
        published_at=row.published_at,
        stream_seq=row.stream_seq,
        attempts=row.attempts,
        last_error=row.last_error,
        audit=witnessed,
        told=notified,
        webhooks=webhooks,
    )


def _outbox_row(connection: Connection, key: EventKey) -> Row[*tuple[Any, ...]] | None:
    outbox = tables.outbox.c
    query = select(
        outbox.subject, outbox.created_at, outbox.published_at, outbox.stream_seq,
        outbox.attempts, outbox.last_error,
    )  # fmt: skip
    return connection.execute(
        query.where(outbox.case_id == key.case_id, outbox.seq == key.seq)
    ).one_or_none()


def _notified_users(connection: Connection, event_id: str) -> list[NotifiedUser]:
    message, delivery = tables.inbox_message.c, tables.delivery.c
    query = (
        select(
            message.recipient.label("user"), tables.app_user.c.role, message.at, message.read_at,
            delivery.channel, delivery.status, delivery.id.label("delivery"),
        )
        .join_from(tables.inbox_message, tables.app_user)
        .join(tables.delivery, delivery.message_id == message.id, isouter=True)
        .where(message.event_id == event_id)
        .order_by(message.recipient, delivery.id)
    )  # fmt: skip
    found: dict[str, NotifiedUser] = {}
    for row in connection.execute(query):
        user = found.setdefault(
            row.user,
            NotifiedUser(user=row.user, role=row.role, at=row.at, read_at=row.read_at, ways=[]),
        )
        if row.delivery is not None:
            user.ways.append(Delivered.model_validate(row))
    return list(found.values())


def _webhooks(connection: Connection, event_id: str) -> list[WebhookSent]:
    sent = tables.webhook_delivery.c
    query = (
        select(
            sent.endpoint_id.label("endpoint"), sent.status, sent.attempts,
            sent.id.label("delivery"),
        )
        .where(sent.event_id == event_id)
        .order_by(sent.id)
    )  # fmt: skip
    return [WebhookSent.model_validate(row) for row in connection.execute(query)]


def _unknown(event_id: str) -> Refused:
    return Refused("unknown_event", f"没有事件 {event_id}；事件编号为“案例编号:序号”。")
