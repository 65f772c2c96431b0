"""Disable an endpoint that wants nothing any more or failed for days, and notify its owner."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, select, update

from models import tables
from models.webhooks import texts
from models.webhooks.answers import Answer
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import EndpointStatus
from services.notifications.fan_out import Notification, notify

EVENT = "webhook_disabled"

type _Endpoint = Row[*tuple[Any, ...]]

_log = structlog.get_logger(__name__)


def disable_if_hopeless(
    connection: Connection,
    endpoint: _Endpoint,
    answer: Answer,
    retries: WebhookRetries,
    at: datetime,
) -> None:
    """Disable an active endpoint after an answer that it did not accept, if it is time to.

    Args:
        connection: A transaction on the record.
        endpoint: Its row, with `failing_since` set.
        answer: The newest one.
        retries: After how many days of failure an endpoint is disabled.
        at: This instant.
    """
    if endpoint.status != EndpointStatus.ACTIVE:
        return
    if answer.gone:
        _disable(connection, endpoint, texts.GONE, at)
    elif endpoint.failing_since + retries.disable_after <= at:
        _disable(connection, endpoint, texts.failing_since(endpoint.failing_since), at)


def _disable(connection: Connection, endpoint: _Endpoint, why: str, at: datetime) -> None:
    connection.execute(
        update(tables.webhook_endpoint)
        .where(tables.webhook_endpoint.c.id == endpoint.id)
        .values(status=EndpointStatus.DISABLED, why=why)
    )
    owners = _owners(connection, endpoint)
    if not owners:
        _log.warning("nobody_to_tell", alarm=True, endpoint_id=endpoint.id, why=why)
    text = texts.endpoint_disabled(endpoint.description or endpoint.url, endpoint.id, why)
    key = f"{endpoint.id}:disabled:{at.isoformat()}"
    notify(connection, Notification(key, EVENT, None, dict.fromkeys(owners, text)), at)


def _owners(connection: Connection, endpoint: _Endpoint) -> list[str]:
    """Return the users who act for the organisation that owns an endpoint."""
    user = tables.app_user.c
    org = user.org == endpoint.owner_org if endpoint.owner_org else user.org.is_(None)
    query = select(user.id).where(
        user.season_id == endpoint.season_id, user.role == endpoint.owner_role, org
    )
    return list(connection.scalars(query))
