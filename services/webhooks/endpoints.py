"""Webhook endpoints: who wants to hear of what and where; enter, change and end one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, update

from models.cases.actors import Actor
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import table_of
from models.tables.webhooks import WebhookDelivery, WebhookEndpoint
from models.webhooks.status import EndpointStatus, WebhookStatus
from services.clock import new_id
from services.webhooks.checks import (
    check_description,
    check_events,
    check_rate,
    check_season,
    check_url,
    owner_org,
)
from services.webhooks.secrets import SECRETS, add_secret, new_secret
from services.webhooks.test_event import delivery_of_test
from services.webhooks.views import (
    AddedEndpoint,
    EndpointView,
    one_endpoint,
    standing,
    unknown_endpoint,
)

OVERLAP = timedelta(hours=24)
"""How long the secret before signs as well."""

_FRESH = {"status": EndpointStatus.ACTIVE, "why": None, "failing_since": None, "not_before": None}
"""An endpoint of which nothing bad is known."""

ENDPOINTS, DELIVERIES = table_of(WebhookEndpoint), table_of(WebhookDelivery)
_E, _S, _D = ENDPOINTS.c, SECRETS.c, DELIVERIES.c


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


@dataclass(frozen=True)
class Changes:
    """What is to be another of an endpoint; None: stays.

    Attributes:
        events: Names; empty: all.
        rate: Messages a second at most; 0: as quick as the endpoint answers.
    """

    url: str | None = None
    description: str | None = None
    events: Sequence[str] | None = None
    rate: int | None = None


def add_endpoint(engine: Engine, new: NewEndpoint, at: datetime) -> AddedEndpoint:
    """Enter an endpoint.

    Raises:
        Refused: `unknown_season`, `unknown_org`, `bad_url`, `bad_description`,
            `unknown_event`, `bad_rate`, or `role_not_allowed`.
    """
    check_url(new.url)
    check_description(new.description.strip())
    check_events(new.events)
    check_rate(new.rate)
    added = AddedEndpoint(id=new_id("ep"), secret=new_secret())
    with transaction(engine) as connection:
        check_season(connection, new.season_id)
        org = owner_org(connection, new.season_id, new.owner)
        row: dict[str, Any] = {
            "id": added.id,
            "season_id": new.season_id,
            "owner_role": new.owner.role,
            "owner_org": org,
            "url": new.url,
            "description": new.description.strip(),
            "events": sorted(set(new.events)),
            "status": EndpointStatus.ACTIVE,
            "rate": new.rate,
            "created_at": at,
        }
        connection.execute(insert(ENDPOINTS), row)
        add_secret(connection, added.id, added.secret, at)
    return added


def show_endpoint(engine: Engine, endpoint_id: str, by: Actor | None = None) -> EndpointView:
    """Return one endpoint.

    Args:
        engine: The record.
        endpoint_id: Which.
        by: Who asks: for others than its owner there is none; None: operations.

    Raises:
        Refused: `unknown_endpoint`.
    """
    with reading(engine) as connection:
        found = one_endpoint(connection, endpoint_id)
    if by is not None and not found.belongs_to(by):
        raise unknown_endpoint(endpoint_id)
    return found


def edit_endpoint(engine: Engine, endpoint_id: str, new: Changes) -> EndpointView:
    """Change an endpoint; its secret and what waits for it stay.

    Raises:
        Refused: `unknown_endpoint`, `endpoint_removed`, `bad_url`, `bad_description`,
            `unknown_event` or `bad_rate`.
    """
    values: dict[str, Any] = {}
    if new.url is not None:
        check_url(new.url)
        values |= {"url": new.url, "failing_since": None, "not_before": None}
    if new.description is not None:
        check_description(new.description.strip())
        values["description"] = new.description.strip()
    if new.events is not None:
        check_events(new.events)
        values["events"] = sorted(set(new.events))
    if new.rate is not None:
        values["rate"] = new.rate or None
        check_rate(values["rate"])
    with transaction(engine) as connection:
        standing(connection, endpoint_id)
        if values:
            _set(connection, endpoint_id, **values)
        return one_endpoint(connection, endpoint_id)


def rotate_secret(
    engine: Engine, endpoint_id: str, at: datetime, overlap: timedelta = OVERLAP
) -> AddedEndpoint:
    """Give an endpoint a new secret; the one before signs beside it for a while.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    secret = new_secret()
    with transaction(engine) as connection:
        standing(connection, endpoint_id)
        mine = _S.endpoint_id == endpoint_id
        # Two at the most: whoever rotates twice within the overlap has a leak to close.
        connection.execute(delete(SECRETS).where(mine, _S.expires_at.is_not(None)))
        connection.execute(update(SECRETS).where(mine).values(expires_at=at + overlap))
        add_secret(connection, endpoint_id, secret, at)
    return AddedEndpoint(id=endpoint_id, secret=secret)


def pause(engine: Engine, endpoint_id: str) -> EndpointView:
    """Send nothing more until `resume`; what happens meanwhile waits.

    Raises:
        Refused: `unknown_endpoint`, `endpoint_removed` or `endpoint_disabled`.
    """
    with transaction(engine) as connection:
        if standing(connection, endpoint_id).status == EndpointStatus.DISABLED:
            raise Refused("endpoint_disabled", f"端点 {endpoint_id} 已停用，本来就不发送。")
        _set(connection, endpoint_id, status=EndpointStatus.PAUSED)
        return one_endpoint(connection, endpoint_id)


def resume(engine: Engine, endpoint_id: str, at: datetime) -> EndpointView:
    """Send again, also to one that was disabled; what waits goes out now.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    with transaction(engine) as connection:
        standing(connection, endpoint_id)
        _set(connection, endpoint_id, **_FRESH)
        connection.execute(
            update(DELIVERIES)
            .where(_D.endpoint_id == endpoint_id, _D.status == WebhookStatus.WAITING)
            .values(next_attempt_at=at)
        )
        return one_endpoint(connection, endpoint_id)


def remove(engine: Engine, endpoint_id: str, at: datetime) -> EndpointView:
    """End an endpoint for good: nothing more is sent, its secrets are gone, its log stays.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    with transaction(engine) as connection:
        standing(connection, endpoint_id)
        _set(connection, endpoint_id, status=EndpointStatus.DISABLED, why="已移除", removed_at=at)
        connection.execute(delete(SECRETS).where(_S.endpoint_id == endpoint_id))
        connection.execute(
            update(DELIVERIES)
            .where(_D.endpoint_id == endpoint_id, _D.status == WebhookStatus.WAITING)
            .values(status=WebhookStatus.CANCELLED, done_at=at)
        )
        return one_endpoint(connection, endpoint_id)


def send_test(engine: Engine, endpoint_id: str, at: datetime) -> str:
    """Queue a test event; return the delivery's id.

    Raises:
        Refused: `unknown_endpoint`, `endpoint_removed` or `endpoint_not_active`.
    """
    with transaction(engine) as connection:
        endpoint = standing(connection, endpoint_id)
        if endpoint.status != EndpointStatus.ACTIVE:
            raise Refused(
                "endpoint_not_active", f"端点 {endpoint_id} 未启用，请先 tuixuan webhook resume。"
            )
        row = delivery_of_test(endpoint_id, endpoint.season_id, at)
        connection.execute(insert(DELIVERIES), row)
    delivery_id: str = row["id"]
    return delivery_id


def _set(connection: Connection, endpoint_id: str, **values: object) -> None:
    connection.execute(update(ENDPOINTS).where(_E.id == endpoint_id).values(**values))
