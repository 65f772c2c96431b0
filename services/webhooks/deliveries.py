"""What was sent to an endpoint, how it went, and how to send it once more."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, Select, and_, case, func, insert, select

from models.cases.actors import Actor
from models.refusals import Refused
from models.retention import removed
from models.store.engine import reading, transaction
from models.tables import table_of
from models.tables.webhooks import WebhookAttempt, WebhookDelivery
from models.webhooks.status import WebhookStatus
from services.clock import new_id
from services.webhooks.missed import fan_out_missed
from services.webhooks.views import one_endpoint, standing

MOST_AT_ONCE = 200

_DELIVERIES, _ATTEMPTS = table_of(WebhookDelivery), table_of(WebhookAttempt)
_D, _A = _DELIVERIES.c, _ATTEMPTS.c


class WebhookItem(BaseModel):
    """A delivery with its last attempt.

    Attributes:
        next_attempt_at: None: there will be none.
        at: When the last attempt was; None: there was none.
        answer_head: How the receiver's answer begins.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    endpoint_id: str
    event_id: str
    event: str
    replay: int
    status: str
    attempts: int
    next_attempt_at: datetime | None
    done_at: datetime | None
    at: datetime | None
    status_code: int | None
    latency_ms: int | None
    error: str | None
    answer_head: str | None


class AttemptItem(BaseModel):
    """One attempt of a delivery, from 1."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    n: int
    at: datetime
    status_code: int | None
    latency_ms: int
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
    if status is not None and status not in set(WebhookStatus):
        raise Refused("unknown_status", f"没有状态 {status}，可选：{'、'.join(WebhookStatus)}。")
    query = (
        _items()
        .where(_D.endpoint_id == endpoint_id)
        .order_by(_D.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    if status is not None:
        query = query.where(_D.status == status)
    if after is not None:
        query = query.where(_D.id < after)
    with reading(engine) as connection:
        one_endpoint(connection, endpoint_id)
        return [WebhookItem.model_validate(row) for row in connection.execute(query)]


def show_delivery(engine: Engine, delivery_id: str, by: Actor | None = None) -> WebhookItem:
    """Return one delivery.

    Args:
        engine: The record.
        delivery_id: Which.
        by: Who asks: for others than the endpoint's owner there is none; None: operations.

    Raises:
        Refused: `unknown_delivery`.
    """
    with reading(engine) as connection:
        row = connection.execute(_items().where(_D.id == delivery_id)).one_or_none()
        if row is None:
            raise _unknown(delivery_id)
        owned = by is None or one_endpoint(connection, row.endpoint_id).belongs_to(by)
    if not owned:
        raise _unknown(delivery_id)
    return WebhookItem.model_validate(row)


def attempts(engine: Engine, delivery_id: str) -> list[AttemptItem]:
    """Return every attempt of a delivery, the first one first.

    Raises:
        Refused: `unknown_delivery`.
    """
    show_delivery(engine, delivery_id)
    query = select(_ATTEMPTS).where(_A.delivery_id == delivery_id).order_by(_A.n)
    with reading(engine) as connection:
        return [AttemptItem.model_validate(row) for row in connection.execute(query)]


def replay_one(engine: Engine, delivery_id: str, at: datetime) -> str:
    """Send one message once more, with the same id and bytes; return the new delivery's id.

    Raises:
        Refused: `unknown_delivery`, `still_waiting`, `endpoint_removed` or `removed`.
    """
    with transaction(engine) as connection:
        found = connection.execute(
            select(_DELIVERIES).where(_D.id == delivery_id)
        ).mappings().one_or_none()  # fmt: skip
        if found is None:
            raise _unknown(delivery_id)
        if found["status"] == WebhookStatus.WAITING:
            message = f"投递 {delivery_id} 仍在等待发送；tuixuan webhook resume 使等待的立即发出。"
            raise Refused("still_waiting", message)
        standing(connection, found["endpoint_id"])
        if found["removed_at"] is not None:
            raise removed(f"投递 {delivery_id} 的内容", found["removed_at"])
        return _repeat(connection, found, at)


def replay_since(engine: Engine, endpoint_id: str, since: datetime, at: datetime) -> int:
    """Send again what was put up for an endpoint since an instant, and what it missed.

    Returns:
        How many messages wait to leave by this.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    with transaction(engine) as connection:
        endpoint = standing(connection, endpoint_id)
        query = select(_DELIVERIES).where(
            _D.endpoint_id == endpoint_id,
            _D.created_at >= since,
            _D.status != WebhookStatus.WAITING,
            _D.replay == 0,
            _D.removed_at.is_(None),
        )
        rows = connection.execute(query.order_by(_D.created_at, _D.seq, _D.id)).mappings().all()
        for row in rows:
            _repeat(connection, row, at)
        missed = fan_out_missed(connection, endpoint, since, at)
    return len(rows) + missed


def _items() -> Select[Any]:
    """Ask for deliveries, each with its last attempt."""
    last = and_(_A.delivery_id == _D.id, _A.n == _last(_D.id))
    waits = case((_D.status == WebhookStatus.WAITING, _D.next_attempt_at), else_=None)
    return select(
        *(column for column in _D if column.name != "next_attempt_at"),
        waits.label("next_attempt_at"),
        *(column for column in _A if column.name not in ("delivery_id", "n")),
    ).outerjoin_from(_DELIVERIES, _ATTEMPTS, last)


def _unknown(delivery_id: str) -> Refused:
    return Refused("unknown_delivery", f"没有投递 {delivery_id}。")


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
        "status": WebhookStatus.WAITING,
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
        "done_at": None,
    }
    connection.execute(insert(_DELIVERIES), again)
    delivery_id: str = again["id"]
    return delivery_id
