"""What webhook messages are signed with."""

import base64
import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select

from models.tables import table_of
from models.tables.webhooks import WebhookSecret
from services.clock import new_id

SECRET_BYTES = 32

SECRETS = table_of(WebhookSecret)
_S = SECRETS.c


def secrets_of(connection: Connection, endpoint_id: str, at: datetime) -> list[str]:
    """Return what to sign with at an instant, the newest first: one, or two while rotating."""
    query = (
        select(_S.secret)
        .where(_S.endpoint_id == endpoint_id, or_(_S.expires_at.is_(None), _S.expires_at > at))
        .order_by(_S.created_at.desc(), _S.id.desc())
    )
    return list(connection.scalars(query))


def new_secret() -> str:
    """Return a secret in the form that receivers' libraries read."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def add_secret(connection: Connection, endpoint_id: str, secret: str, at: datetime) -> None:
    """Give an endpoint a secret."""
    row = {"id": new_id("sec"), "endpoint_id": endpoint_id, "secret": secret, "created_at": at}
    connection.execute(insert(SECRETS), row)
