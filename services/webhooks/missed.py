"""Events that an endpoint missed while it was disabled, or before it existed."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    String,
    and_,
    cast,
    exists,
    insert,
    select,
)

from models import tables
from models.cases.binding import BOUND, misfit
from models.ids import event_id
from models.stream.names import Durable, parse_subject
from services.webhooks.messages import Message, waiting_row
from services.webhooks.scope import cases_of
from services.webhooks.views import EndpointView

_outbox, _case_record, _line = tables.outbox.c, tables.case_record.c, tables.transition.c
_delivery, _cursor = tables.webhook_delivery.c, tables.consumer_cursor.c


def fan_out_missed(
    connection: Connection, endpoint: EndpointView, since: datetime, at: datetime
) -> int:
    """Write the messages that an endpoint did not get since an instant; return how many.

    Args:
        connection: A transaction on the record.
        endpoint: It gets the cases and events that it would get now.
        since: From when on.
        at: This instant.

    An event that is not as its line of history says is sent to nobody.
    """
    query = (
        select(
            _outbox.case_id, _outbox.seq, _outbox.subject, _outbox.body,
            *(_line[name] for name in BOUND),
        )
        .join_from(tables.outbox, tables.case_record, _case_record.id == _outbox.case_id)
        .join(
            tables.transition, (_line.case_id == _outbox.case_id) & (_line.seq == _outbox.seq)
        )
        .join(tables.consumer_cursor, _fanned_out())
        .where(_outbox.created_at >= since, cases_of(endpoint), ~_sent_to(endpoint))
        .order_by(_outbox.id)
    )  # fmt: skip
    messages = (
        _message(row)
        for row in connection.execute(query).mappings()
        if misfit(row, row["body"]) is None
    )
    rows = [
        waiting_row(endpoint.id, message, at)
        for message in messages
        if not endpoint.events or message.event in endpoint.events
    ]
    if rows:
        connection.execute(insert(tables.webhook_delivery), rows)
    return len(rows)


def _message(row: RowMapping) -> Message:
    case_id, seq, name = row["case_id"], row["seq"], parse_subject(row["subject"]).event
    return Message(event_id(case_id, seq), name, case_id, seq, row["body"])


def _fanned_out() -> ColumnElement[bool]:
    """Join an event to the consumer's cursor: what lies beyond that comes by itself."""
    return and_(
        _cursor.consumer == Durable.WEBHOOK,
        _cursor.case_id == _outbox.case_id,
        _cursor.last_seq >= _outbox.seq,
    )


def _sent_to(endpoint: EndpointView) -> ColumnElement[bool]:
    # In SQL, what `event_id` builds in Python.
    id_of_event = _outbox.case_id + ":" + cast(_outbox.seq, String)
    return exists().where(_delivery.endpoint_id == endpoint.id, _delivery.event_id == id_of_event)
