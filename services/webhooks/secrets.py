"""The secrets with which webhook messages are signed: one, or two while one replaces the other."""

import base64
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from models import tables
from models.store.engine import transaction
from services.clock import new_id
from services.webhooks.views import AddedEndpoint, require_endpoint

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long the previous secret signs as well."""

_secret = tables.webhook_secret.c


def secrets_of(
    connection: Connection, endpoint_ids: Collection[str], at: datetime
) -> dict[str, tuple[str, ...]]:
    """Return the secrets to sign with at an instant, by endpoint, the newest first."""
    query = (
        select(_secret.endpoint_id, _secret.secret)
        .where(
            _secret.endpoint_id.in_(endpoint_ids),
            or_(_secret.expires_at.is_(None), _secret.expires_at > at),
        )
        .order_by(_secret.created_at.desc(), _secret.id.desc())
    )
    found: dict[str, tuple[str, ...]] = {}
    for endpoint_id, secret in connection.execute(query):
        found[endpoint_id] = (*found.get(endpoint_id, ()), secret)
    return found


def new_secret() -> str:
    """Return a secret in the form that receivers' libraries read."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def add_secret(connection: Connection, endpoint_id: str, secret: str, at: datetime) -> None:
    """Give an endpoint a secret."""
    row = {"id": new_id("sec"), "endpoint_id": endpoint_id, "secret": secret, "created_at": at}
    connection.execute(insert(tables.webhook_secret), row)


def rotate_secret(
    engine: Engine, endpoint_id: str, at: datetime, overlap: timedelta = OVERLAP
) -> AddedEndpoint:
    """Give an endpoint a new secret; the previous one signs beside it for a while.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    secret = new_secret()
    mine = _secret.endpoint_id == endpoint_id
    with transaction(engine) as connection:
        require_endpoint(connection, endpoint_id)
        # Two at the most: whoever rotates twice within the overlap has a leak to close.
        connection.execute(
            delete(tables.webhook_secret).where(mine, _secret.expires_at.is_not(None))
        )
        connection.execute(
            update(tables.webhook_secret).where(mine).values(expires_at=at + overlap)
        )
        add_secret(connection, endpoint_id, secret, at)
    return AddedEndpoint(id=endpoint_id, secret=secret)
