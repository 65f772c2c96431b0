"""The secrets with which webhook messages are signed: one, or two while one replaces the other."""

import base64
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from models import tables
from models.refusals import Refused
from models.store.engine import transaction
from services.clock import new_id
from services.webhooks.secret_box import SecretUnreadable, box_of, is_sealed
from services.webhooks.views import AddedEndpoint, require_endpoint

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long the previous secret signs as well."""

_secret = tables.webhook_secret.c
_log = structlog.get_logger(__name__)


def secrets_of(
    connection: Connection, endpoint_ids: Collection[str], at: datetime
) -> dict[str, tuple[str, ...]]:
    """Return the secrets to sign with at an instant, by endpoint, the newest first.

    One that cannot be opened is left out: its endpoint gets nothing rather than something
    unsigned.
    """
    query = (
        select(_secret.endpoint_id, _secret.secret)
        .where(
            _secret.endpoint_id.in_(endpoint_ids),
            or_(_secret.expires_at.is_(None), _secret.expires_at > at),
        )
        .order_by(_secret.created_at.desc(), _secret.id.desc())
    )
    found: dict[str, tuple[str, ...]] = {}
    for endpoint_id, kept in connection.execute(query):
        try:
            secret = box_of(connection).open(kept)
        except SecretUnreadable as error:
            _log.error("secret_unreadable", alarm=True, endpoint_id=endpoint_id, why=str(error))
        else:
            found[endpoint_id] = (*found.get(endpoint_id, ()), secret)
    return found


def seal_all(engine: Engine) -> int:
    """Seal what an older release kept as it was; return how many secrets that were.

    Raises:
        SecretUnreadable: There is no key to seal with.
    """
    with transaction(engine) as connection:
        rows = connection.execute(select(_secret.id, _secret.secret)).all()
        plain = [row for row in rows if not is_sealed(row.secret)]
        for row in plain:
            sealed = box_of(connection).seal(row.secret)
            change = update(tables.webhook_secret).where(_secret.id == row.id)
            connection.execute(change.values(secret=sealed))
    return len(plain)


def new_secret() -> str:
    """Return a secret in the form that receivers' libraries read."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def add_secret(connection: Connection, endpoint_id: str, secret: str, at: datetime) -> None:
    """Give an endpoint a secret, which is kept sealed.

    Raises:
        Refused: `bad_secrets_key`.
    """
    try:
        sealed = box_of(connection).seal(secret)
    except SecretUnreadable as error:
        message = f"密封密钥无法使用：{error}。请放回原来的密钥文件，或将其移开后重试。"
        raise Refused("bad_secrets_key", message) from error
    row = {"id": new_id("sec"), "endpoint_id": endpoint_id, "secret": sealed, "created_at": at}
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
