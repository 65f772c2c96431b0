"""Pause an endpoint, and resume one that was paused or disabled."""

from datetime import datetime

from sqlalchemy import Engine, update

from models import tables
from models.refusals import Refused
from models.store.engine import transaction
from models.webhooks.status import EndpointStatus, WebhookStatus
from services.webhooks.views import EndpointView, read_endpoint, require_endpoint

_endpoint, _delivery = tables.webhook_endpoint.c, tables.webhook_delivery.c

_NOTHING_WRONG = {
    "status": EndpointStatus.ACTIVE,
    "why": None,
    "failing_since": None,
    "not_before": None,
}


def pause(engine: Engine, endpoint_id: str) -> EndpointView:
    """Send nothing more until `resume`; what happens meanwhile waits.

    Raises:
        Refused: `unknown_endpoint`, `endpoint_removed` or `endpoint_disabled`.
    """
    with transaction(engine) as connection:
        if require_endpoint(connection, endpoint_id).status == EndpointStatus.DISABLED:
            raise Refused("endpoint_disabled", f"回调 {endpoint_id} 已停用，本来就不发送。")
        connection.execute(
            update(tables.webhook_endpoint)
            .where(_endpoint.id == endpoint_id)
            .values(status=EndpointStatus.PAUSED)
        )
        return read_endpoint(connection, endpoint_id)


def resume(engine: Engine, endpoint_id: str, at: datetime) -> EndpointView:
    """Send again, also to one that was disabled; what waits is due now.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    with transaction(engine) as connection:
        require_endpoint(connection, endpoint_id)
        connection.execute(
            update(tables.webhook_endpoint)
            .where(_endpoint.id == endpoint_id)
            .values(_NOTHING_WRONG)
        )
        connection.execute(
            update(tables.webhook_delivery)
            .where(_delivery.endpoint_id == endpoint_id, _delivery.status == WebhookStatus.WAITING)
            .values(next_attempt_at=at)
        )
        return read_endpoint(connection, endpoint_id)
