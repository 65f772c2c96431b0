"""Webhook endpoints: who wants to hear of what, where, and with which secret it is signed."""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from activities.database import reading, transaction
from models.commands import Actor, Role
from models.events import EventName
from models.refusals import Refused
from models.tables import Body, Season, Unit, table_of
from models.tables.webhooks import WebhookDelivery, WebhookEndpoint, WebhookSecret
from services.clock import new_id

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long the secret before signs as well."""
LONGEST_URL = 2048
MOST_A_SECOND = 1000
TEST_TYPE = "org.tuixuan.webhook.test"

ENDPOINTS, SECRETS = table_of(WebhookEndpoint), table_of(WebhookSecret)
DELIVERIES = table_of(WebhookDelivery)
_E, _S, _D = ENDPOINTS.c, SECRETS.c, DELIVERIES.c
_SEES_ALL = (Role.ORGANISER, Role.AUDITOR)


@dataclass(frozen=True)
class NewEndpoint:
    """What somebody wants to be sent.

    Attributes:
        owner: In whose name: an applicant's unit and a body hear of their own cases, the
            organiser and the auditor of all of the season's.
        events: Names, e.g. `submitted`; empty: all.
        rate: Messages a second at most; None: as quick as the endpoint answers.
    """

    season_id: str
    owner: Actor
    url: str
    description: str = ""
    events: Sequence[str] = ()
    rate: int | None = None


class EndpointView(BaseModel):
    """An endpoint as its owner sees it; the secret is not shown."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    season_id: str
    owner_role: str
    owner_org: str | None
    url: str
    description: str
    events: list[str]
    status: str
    why: str | None
    failing_since: datetime | None
    rate: int | None
    created_at: datetime


class AddedEndpoint(BaseModel):
    """A new endpoint with its secret, which nobody is shown again."""

    id: str
    secret: str


def add_endpoint(engine: Engine, new: NewEndpoint, at: datetime) -> AddedEndpoint:
    """Enter an endpoint.

    Raises:
        Refused: `unknown_season`, `unknown_org`, `bad_url`, `unknown_event`, `bad_rate`, or
            `role_not_allowed`.
    """
    _refuse(new)
    added = AddedEndpoint(id=new_id("ep"), secret=new_secret())
    with transaction(engine) as connection:
        org = _owner_org(connection, new)
        row: dict[str, Any] = {
            "id": added.id,
            "season_id": new.season_id,
            "owner_role": new.owner.role,
            "owner_org": org,
            "url": new.url,
            "description": new.description.strip(),
            "events": sorted(set(new.events)),
            "status": "active",
            "rate": new.rate,
            "created_at": at,
        }
        connection.execute(insert(ENDPOINTS), row)
        _add_secret(connection, added.id, added.secret, at)
    return added


def list_endpoints(engine: Engine, season_id: str) -> list[EndpointView]:
    """Return a season's endpoints, the oldest first."""
    query = select(ENDPOINTS).where(_E.season_id == season_id).order_by(_E.created_at, _E.id)
    with reading(engine) as connection:
        return [EndpointView.model_validate(row) for row in connection.execute(query)]


def show_endpoint(engine: Engine, endpoint_id: str) -> EndpointView:
    """Return one endpoint.

    Raises:
        Refused: `unknown_endpoint`.
    """
    with reading(engine) as connection:
        return EndpointView.model_validate(_one(connection, endpoint_id))


def rotate_secret(
    engine: Engine, endpoint_id: str, at: datetime, overlap: timedelta = OVERLAP
) -> AddedEndpoint:
    """Give an endpoint a new secret; the one before signs beside it for a while.

    Raises:
        Refused: `unknown_endpoint`.
    """
    secret = new_secret()
    with transaction(engine) as connection:
        _one(connection, endpoint_id)
        mine = _S.endpoint_id == endpoint_id
        # Two at the most: whoever rotates twice within the overlap has a leak to close.
        connection.execute(delete(SECRETS).where(mine, _S.expires_at.is_not(None)))
        connection.execute(update(SECRETS).where(mine).values(expires_at=at + overlap))
        _add_secret(connection, endpoint_id, secret, at)
    return AddedEndpoint(id=endpoint_id, secret=secret)


def pause(engine: Engine, endpoint_id: str) -> EndpointView:
    """Send nothing more until `resume`; what happens meanwhile waits.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_disabled`.
    """
    with transaction(engine) as connection:
        if _one(connection, endpoint_id).status == "disabled":
            raise Refused("endpoint_disabled", f"端点 {endpoint_id} 已停用。")
        _set(connection, endpoint_id, status="paused")
        return EndpointView.model_validate(_one(connection, endpoint_id))


def resume(engine: Engine, endpoint_id: str, at: datetime) -> EndpointView:
    """Send again, also to one that was disabled; what waits goes out now.

    Raises:
        Refused: `unknown_endpoint`.
    """
    with transaction(engine) as connection:
        _one(connection, endpoint_id)
        _set(connection, endpoint_id, status="active", why=None, failing_since=None)
        connection.execute(
            update(DELIVERIES)
            .where(_D.endpoint_id == endpoint_id, _D.status == "waiting")
            .values(next_attempt_at=at)
        )
        return EndpointView.model_validate(_one(connection, endpoint_id))


def send_test(engine: Engine, endpoint_id: str, at: datetime) -> str:
    """Queue a test event; return the delivery's id.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_not_active`.
    """
    with transaction(engine) as connection:
        endpoint = _one(connection, endpoint_id)
        if endpoint.status != "active":
            raise Refused("endpoint_not_active", f"端点 {endpoint_id} 未启用，请先 resume。")
        row = _test_delivery(endpoint_id, endpoint.season_id, at)
        connection.execute(insert(DELIVERIES), row)
    delivery_id: str = row["id"]
    return delivery_id


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


def unknown_endpoint(endpoint_id: str) -> Refused:
    """Return the refusal for an endpoint that does not exist."""
    return Refused("unknown_endpoint", f"没有端点 {endpoint_id}。")


def _one(connection: Connection, endpoint_id: str) -> Any:  # noqa: ANN401 - a row
    row = connection.execute(select(ENDPOINTS).where(_E.id == endpoint_id)).one_or_none()
    if row is None:
        raise unknown_endpoint(endpoint_id)
    return row


def _set(connection: Connection, endpoint_id: str, **values: object) -> None:
    connection.execute(update(ENDPOINTS).where(_E.id == endpoint_id).values(**values))


def _add_secret(connection: Connection, endpoint_id: str, secret: str, at: datetime) -> None:
    row = {"id": new_id("sec"), "endpoint_id": endpoint_id, "secret": secret, "created_at": at}
    connection.execute(insert(SECRETS), row)


def _refuse(new: NewEndpoint) -> None:
    try:
        parts = urlsplit(new.url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    good = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not good or parts.username or parts.fragment or not new.url.isascii():
        raise Refused("bad_url", "地址应形如 https://host/path，不含用户名、密码和 #。")
    if len(new.url) > LONGEST_URL or not new.url.isprintable() or " " in new.url:
        raise Refused("bad_url", f"地址不能含空白，最长 {LONGEST_URL} 个字符。")
    if unknown := sorted(set(new.events) - set(EventName)):
        message = f"没有事件 {'、'.join(unknown)}，可选：{'、'.join(EventName)}。"
        raise Refused("unknown_event", message)
    if new.rate is not None and not 1 <= new.rate <= MOST_A_SECOND:
        raise Refused("bad_rate", f"速率应为每秒 1 至 {MOST_A_SECOND} 条。")


def _owner_org(connection: Connection, new: NewEndpoint) -> str | None:
    season = table_of(Season).c.id
    if connection.scalar(select(season).where(season == new.season_id)) is None:
        raise Refused("unknown_season", f"没有征集季 {new.season_id}。")
    owner = new.owner
    if owner.role in _SEES_ALL:
        return None
    if owner.role not in (Role.APPLICANT, Role.BODY):
        raise Refused("role_not_allowed", "端点只能属于申报单位、推荐单位、主办方或审计。")
    org = table_of(Unit if owner.role is Role.APPLICANT else Body).c
    found = select(org.id).where(org.season_id == new.season_id, org.id == owner.id)
    if connection.scalar(found) is None:
        message = f"征集季 {new.season_id} 没有单位 {owner.id}。"
        raise Refused("unknown_org", message)
    return owner.id


def _test_delivery(endpoint_id: str, season_id: str, at: datetime) -> dict[str, Any]:
    number = new_id("test")
    stamp = at.isoformat().replace("+00:00", "Z")
    event = {
        "specversion": "1.0",
        "id": number,
        "source": f"/tuixuan/call/{season_id}",
        "type": TEST_TYPE,
        "time": stamp,
        "timestamp": stamp,
        "datacontenttype": "application/json",
        "data": {"message": "测试事件，不涉及任何案例。 A test; it is about no case."},
    }
    return {
        "id": new_id("whd"),
        "endpoint_id": endpoint_id,
        "event_id": number,
        "event": "test",
        "seq": 0,
        "replay": 0,
        "body": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
        "status": "waiting",
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
    }
