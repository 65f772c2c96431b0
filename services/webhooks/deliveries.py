"""The log of an endpoint: its deliveries, and the attempts of each."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Engine, ScalarSelect, Select, and_, case, func, select

from models import tables
from models.cases.actors import Actor
from models.refusals import Refused
from models.store.engine import reading
from models.webhooks.status import WebhookStatus
from models.wording import STATUSES, choices, code_of
from services.webhooks.views import read_endpoint

MOST_AT_ONCE = 200

_delivery, _attempt = tables.webhook_delivery.c, tables.webhook_attempt.c


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
    status: WebhookStatus
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
    """Return a page of the deliveries to an endpoint, the newest first.

    Args:
        engine: The record.
        endpoint_id: Which endpoint.
        status: Only these, one of `WebhookStatus`.
        limit: How many at most, up to `MOST_AT_ONCE`.
        after: The id of the last delivery of the page before; None: from the newest.

    Raises:
        Refused: `unknown_endpoint`, or `unknown_status`.
    """
    if status is not None:
        status = _known_status(status)
    query = (
        _items()
        .where(_delivery.endpoint_id == endpoint_id)
        .order_by(_delivery.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    if status is not None:
        query = query.where(_delivery.status == status)
    if after is not None:
        query = query.where(_delivery.id < after)
    with reading(engine) as connection:
        read_endpoint(connection, endpoint_id)
        return [WebhookItem.model_validate(row) for row in connection.execute(query)]


def show_delivery(engine: Engine, delivery_id: str, by: Actor | None = None) -> WebhookItem:
    """Return one delivery.

    Args:
        engine: The record.
        delivery_id: Which.
        by: Who asks: nobody but the endpoint's owner is told that it exists; None: operations.

    Raises:
        Refused: `unknown_delivery`.
    """
    with reading(engine) as connection:
        row = connection.execute(_items().where(_delivery.id == delivery_id)).one_or_none()
        if row is None:
            raise unknown_delivery(delivery_id)
        owned = by is None or read_endpoint(connection, row.endpoint_id).belongs_to(by)
    if not owned:
        raise unknown_delivery(delivery_id)
    return WebhookItem.model_validate(row)


def attempts(engine: Engine, delivery_id: str) -> list[AttemptItem]:
    """Return every attempt of a delivery, the first one first.

    Raises:
        Refused: `unknown_delivery`.
    """
    show_delivery(engine, delivery_id)
    query = select(tables.webhook_attempt).where(_attempt.delivery_id == delivery_id)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(_attempt.n))
        return [AttemptItem.model_validate(row) for row in rows]


def unknown_delivery(delivery_id: str) -> Refused:
    """Return the refusal for a delivery that does not exist."""
    return Refused("unknown_delivery", f"没有投递 {delivery_id}。")


def _items() -> Select[Any]:
    """Select deliveries, each with its last attempt."""
    last = and_(_attempt.delivery_id == _delivery.id, _attempt.n == _last_attempt(_delivery.id))
    waits = case((_delivery.status == WebhookStatus.WAITING, _delivery.next_attempt_at), else_=None)
    return select(
        *(column for column in _delivery if column.name != "next_attempt_at"),
        waits.label("next_attempt_at"),
        *(column for column in _attempt if column.name not in ("delivery_id", "n")),
    ).outerjoin_from(tables.webhook_delivery, tables.webhook_attempt, last)


def _last_attempt(delivery_id: Column[str]) -> ScalarSelect[Any]:
    other = tables.webhook_attempt.alias().c
    return select(func.max(other.n)).where(other.delivery_id == delivery_id).scalar_subquery()


def _known_status(typed: str) -> WebhookStatus:
    found = code_of(typed, WebhookStatus, STATUSES)
    if found is None:
        known = choices(WebhookStatus, STATUSES)
        raise Refused("unknown_status", f"没有状态 {typed}，可选：{known}。")
    return WebhookStatus(found)
