"""Send messages to an endpoint once more, with the same ids and bytes."""

from datetime import datetime

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select

from models import tables
from models.refusals import Refused
from models.retention import removed
from models.store.engine import transaction
from models.webhooks.status import WebhookStatus
from services.clock import new_id
from services.webhooks.deliveries import unknown_delivery
from services.webhooks.missed import fan_out_missed
from services.webhooks.views import require_endpoint

_delivery = tables.webhook_delivery.c


def replay_one(engine: Engine, delivery_id: str, at: datetime) -> str:
    """Queue one message once more; return the new delivery's id.

    Raises:
        Refused: `unknown_delivery`, `still_waiting`, `endpoint_removed` or `removed`.
    """
    query = select(tables.webhook_delivery).where(_delivery.id == delivery_id)
    with transaction(engine) as connection:
        found = connection.execute(query).mappings().one_or_none()
        if found is None:
            raise unknown_delivery(delivery_id)
        if found["status"] == WebhookStatus.WAITING:
            message = f"投递 {delivery_id} 仍在等待发送；tuixuan webhook resume 使等待的立即发出。"
            raise Refused("still_waiting", message)
        require_endpoint(connection, found["endpoint_id"])
        if found["removed_at"] is not None:
            raise removed(f"投递 {delivery_id} 的内容", found["removed_at"])
        return _queue_again(connection, found, at)


def replay_since(engine: Engine, endpoint_id: str, since: datetime, at: datetime) -> int:
    """Queue again what was fanned out to an endpoint since an instant, and what it missed.

    Returns:
        How many messages were queued.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    query = select(tables.webhook_delivery).where(
        _delivery.endpoint_id == endpoint_id,
        _delivery.created_at >= since,
        _delivery.status != WebhookStatus.WAITING,
        _delivery.replay == 0,
        _delivery.removed_at.is_(None),
    )
    oldest_first = query.order_by(_delivery.created_at, _delivery.seq, _delivery.id)
    with transaction(engine) as connection:
        endpoint = require_endpoint(connection, endpoint_id)
        rows = connection.execute(oldest_first).mappings().all()
        for row in rows:
            _queue_again(connection, row, at)
        missed = fan_out_missed(connection, endpoint, since, at)
    return len(rows) + missed


def _queue_again(connection: Connection, row: RowMapping, at: datetime) -> str:
    same = (_delivery.endpoint_id == row["endpoint_id"], _delivery.event_id == row["event_id"])
    newest = connection.scalar(select(func.max(_delivery.replay)).where(*same)) or 0
    again = {
        **row,
        "id": new_id("whd"),
        "replay": newest + 1,
        "status": WebhookStatus.WAITING,
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
        "done_at": None,
    }
    connection.execute(insert(tables.webhook_delivery), again)
    return str(again["id"])
