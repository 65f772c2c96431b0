"""What was sent to an endpoint, how it went, and how to send it once more."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, and_, func, insert, select

from activities.database import reading, transaction
from models.refusals import Refused
from models.tables import table_of
from models.tables.webhooks import WebhookAttempt, WebhookDelivery
from services.clock import new_id
from services.webhooks import show_endpoint

MOST_AT_ONCE = 200
STATUSES = ("waiting", "delivered", "failed", "cancelled")

_DELIVERIES, _ATTEMPTS = table_of(WebhookDelivery), table_of(WebhookAttempt)
_D, _A = _DELIVERIES.c, _ATTEMPTS.c


class WebhookItem(BaseModel):
    """A delivery with its last attempt.

    Attributes:
        at: When the last attempt was; None: there was none.
        answer_head: How the receiver's answer begins.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    event_id: str
    event: str
    replay: int
    status: str
    attempts: int
    next_attempt_at: datetime
    done_at: datetime | None
    at: datetime | None
    status_code: int | None
    latency_ms: int | None
    error: str | None
    answer_head: str | None


def webhook_log(
    engine: Engine,
    endpoint_id: str,
    *,
    status: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> list[WebhookItem]:
    """Return a page of what went to an endpoint, the newest first.

    Args:
        engine: The record.
        endpoint_id: Which endpoint.
        status: Only these; `failed` are those that were set aside.
        limit: How many at most, up to `MOST_AT_ONCE`.
        after: The id of the last delivery of the page before; None: from the newest.

    Raises:
        Refused: `unknown_endpoint`, or `unknown_status`.
    """
    show_endpoint(engine, endpoint_id)
    if status is not None and status not in STATUSES:
        raise Refused("unknown_status", f"没有状态 {status}，可选：{'、'.join(STATUSES)}。")
    last = and_(_A.delivery_id == _D.id, _A.n == _last(_D.id))
    columns = [column for column in _ATTEMPTS.c if column.name not in ("delivery_id", "n")]
    query = (
        select(*_D, *columns)
        .outerjoin_from(_DELIVERIES, _ATTEMPTS, last)
        .where(_D.endpoint_id == endpoint_id)
        .order_by(_D.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    if status is not None:
        query = query.where(_D.status == status)
    if after is not None:
        query = query.where(_D.id < after)
    with reading(engine) as connection:
        return [WebhookItem.model_validate(row) for row in connection.execute(query)]


def replay_one(engine: Engine, delivery_id: str, at: datetime) -> str:
    """Send one message once more, with the same id and bytes; return the new delivery's id.

    Raises:
        Refused: `unknown_delivery`, or `still_waiting`.
    """
    with transaction(engine) as connection:
        found = connection.execute(
            select(_DELIVERIES).where(_D.id == delivery_id)
        ).mappings().one_or_none()  # fmt: skip
        if found is None:
            raise Refused("unknown_delivery", f"没有投递 {delivery_id}。")
        if found["status"] == "waiting":
            raise Refused("still_waiting", f"投递 {delivery_id} 仍在等待发送。")
        return _repeat(connection, found, at)


def replay_since(engine: Engine, endpoint_id: str, since: datetime, at: datetime) -> int:
    """Send again what was put up for an endpoint since an instant; return how many.

    Raises:
        Refused: `unknown_endpoint`.
    """
    show_endpoint(engine, endpoint_id)
    with transaction(engine) as connection:
        query = select(_DELIVERIES).where(
            _D.endpoint_id == endpoint_id,
            _D.created_at >= since,
            _D.status != "waiting",
            _D.replay == 0,
        )
        rows = connection.execute(query.order_by(_D.created_at, _D.seq, _D.id)).mappings().all()
        for row in rows:
            _repeat(connection, row, at)
    return len(rows)


def _last(delivery_id: Any) -> Any:  # noqa: ANN401 - a column, and a scalar query
    other = _ATTEMPTS.alias()
    return select(func.max(other.c.n)).where(other.c.delivery_id == delivery_id).scalar_subquery()


def _repeat(connection: Connection, row: Any, at: datetime) -> str:  # noqa: ANN401 - a row
    same = (_D.endpoint_id == row["endpoint_id"], _D.event_id == row["event_id"])
    number = connection.scalar(select(func.max(_D.replay)).where(*same)) or 0
    again = {
        **row,
        "id": new_id("whd"),
        "replay": number + 1,
        "status": "waiting",
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
        "done_at": None,
    }
    connection.execute(insert(_DELIVERIES), again)
    delivery_id: str = again["id"]
    return delivery_id
