"""Fan an event out: a row for each endpoint that wants it, beside the cursor."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from models import tables
from models.cases.events import CaseEvent
from models.stream.names import Durable
from models.webhooks.status import EndpointStatus
from services.stream.cursors import advance_cursor
from services.webhooks.messages import Message, waiting_row
from services.webhooks.scope import endpoints_of

MAX_BODY_BYTES = 20_000
"""What Standard Webhooks advises receivers to expect at most."""


def fan_out(connection: Connection, event: CaseEvent, body: str, at: datetime) -> int:
    """Write a message for each endpoint, once, in the order of the case.

    Endpoints are read under the cursor's lock, so that one removed meanwhile gets nothing more.

    Returns:
        How many messages were written; 0 if the event was fanned out before.

    Raises:
        ValueError: The text is too long for a webhook.
    """
    if len(body.encode()) >= MAX_BODY_BYTES:
        raise ValueError(f"{event.id} is too long for a webhook")
    if not skip(connection, event, at):
        return 0
    data, endpoint = event.data, tables.webhook_endpoint.c
    listening = select(endpoint.id, endpoint.events).where(
        endpoints_of(data), endpoint.status.in_((EndpointStatus.ACTIVE, EndpointStatus.PAUSED))
    )
    message = Message(event.id, event.name, data.case_id, data.seq, body)
    rows = [
        waiting_row(endpoint_id, message, at)
        for endpoint_id, wanted in connection.execute(listening)
        if not wanted or event.name in wanted
    ]
    if rows:
        connection.execute(insert(tables.webhook_delivery), rows)
    return len(rows)


def skip(connection: Connection, event: CaseEvent, at: datetime) -> bool:
    """Move the cursor to an event; return False if it stands there or beyond already."""
    return advance_cursor(connection, Durable.WEBHOOK, event.data.case_id, event.data.seq, at)
