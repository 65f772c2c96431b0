"""Events that an endpoint missed: those of a time when it was off, or not there yet."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, cast, exists, insert, select, true

from models.cases.actors import Role
from models.ids import event_id
from models.stream.names import Durable
from models.tables import CaseRecord, ConsumerCursor, Outbox, table_of
from models.tables.webhooks import WebhookDelivery
from services.webhooks.messages import Message, waiting_row
from services.webhooks.views import EndpointView

_DELIVERIES = table_of(WebhookDelivery)
_O, _D = table_of(Outbox).c, _DELIVERIES.c
_CASE, _CURSOR = table_of(CaseRecord).c, table_of(ConsumerCursor).c


def fan_out_missed(
    connection: Connection, endpoint: EndpointView, since: datetime, at: datetime
) -> int:
    """Put up what happened since an instant and was not put up for an endpoint; return how many.

    Args:
        connection: A transaction on the record.
        endpoint: It hears of the cases and events that it would hear of now.
        since: From when on.
        at: This instant.
    """
    had = exists().where(
        _D.endpoint_id == endpoint.id, _D.event_id == _O.case_id + ":" + cast(_O.seq, String)
    )
    past = and_(
        _CURSOR.consumer == Durable.WEBHOOK,
        _CURSOR.case_id == _O.case_id,
        _CURSOR.last_seq >= _O.seq,
    )
    query = (
        select(_O.case_id, _O.seq, _O.subject, _O.body)
        .join_from(table_of(Outbox), table_of(CaseRecord), _CASE.id == _O.case_id)
        .join(table_of(ConsumerCursor), past)
        .where(_O.created_at >= since, _CASE.season_id == endpoint.season_id, ~had)
        .where(_heard_of(endpoint))
        .order_by(_O.id)
    )
    rows = [
        waiting_row(endpoint.id, _message(row), at)
        for row in connection.execute(query)
        if not endpoint.events or _name(row) in endpoint.events
    ]
    if rows:
        connection.execute(insert(_DELIVERIES), rows)
    return len(rows)


def _heard_of(endpoint: EndpointView) -> ColumnElement[bool]:
    if endpoint.owner_org is None:
        return true()
    column = _CASE.unit_id if endpoint.owner_role == Role.APPLICANT else _CASE.body_id
    return column == endpoint.owner_org


def _name(row: Any) -> str:  # noqa: ANN401 - a row
    return str(row.subject).split(".")[3]


def _message(row: Any) -> Message:  # noqa: ANN401 - a row
    return Message(event_id(row.case_id, row.seq), _name(row), row.case_id, row.seq, row.body)
