"""Fan events out: a row for each endpoint that wants one, beside the cursors."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select

from models import tables
from models.stream.incoming import IncomingEvent, in_turn
from models.stream.names import Durable
from models.webhooks.status import EndpointStatus
from services.stream.cursors import lock_cursors, move_cursors
from services.webhooks.messages import Message, waiting_row
from services.webhooks.scope import may_hear

MAX_BODY_BYTES = 20_000
"""What Standard Webhooks advises receivers to expect at most."""

_endpoint = tables.webhook_endpoint.c
_LISTENING = select(
    _endpoint.id, _endpoint.events, _endpoint.season_id, _endpoint.owner_role, _endpoint.owner_org
).where(
    _endpoint.season_id.in_(bindparam("seasons", expanding=True)),
    _endpoint.status.in_((EndpointStatus.ACTIVE, EndpointStatus.PAUSED)),
)


class FannedOut(NamedTuple):
    """What came of some events.

    Attributes:
        messages: How many messages were written.
        early: The events before which others of their case are missing; nothing was done
            with them.
    """

    messages: int
    early: list[IncomingEvent]


def fan_out(connection: Connection, events: Sequence[IncomingEvent], at: datetime) -> FannedOut:
    """Write a message for each endpoint that wants an event, once, in the order of each case.

    Endpoints are read under the cursors' locks, so that one removed meanwhile gets nothing more.

    Raises:
        ValueError: A text is too long for a webhook.
    """
    for each in events:
        if len(each.body.encode()) >= MAX_BODY_BYTES:
            raise ValueError(f"{each.event.id} is too long for a webhook")
    handled = lock_cursors(connection, Durable.WEBHOOK, events, at)
    new, early = in_turn(events, handled)
    if not new:
        return FannedOut(0, early)
    move_cursors(connection, Durable.WEBHOOK, new, at)
    rows = _rows(connection, new, at)
    if rows:
        connection.execute(insert(tables.webhook_delivery), rows)
    return FannedOut(len(rows), early)


def skip(connection: Connection, passed_over: IncomingEvent, at: datetime) -> None:
    """Move the cursor to an event, unless it stands there or beyond already."""
    lock_cursors(connection, Durable.WEBHOOK, [passed_over], at)
    move_cursors(connection, Durable.WEBHOOK, [passed_over], at)


def _rows(
    connection: Connection, events: Sequence[IncomingEvent], at: datetime
) -> list[dict[str, Any]]:
    """Return a row for each event and each endpoint that wants it."""
    seasons = {each.event.data.season for each in events}
    listeners = connection.execute(_LISTENING, {"seasons": list(seasons)}).all()
    rows = []
    for event, body, _ in events:
        data = event.data
        message = Message(event.id, event.name, data.case_id, data.seq, body)
        rows += [
            waiting_row(each.id, message, at)
            for each in listeners
            if may_hear(each, data) and (not each.events or event.name in each.events)
        ]
    return rows
