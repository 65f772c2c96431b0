"""Webhook endpoints: add, show, change and remove one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, update

from models import tables
from models.cases.actors import Actor
from models.store.engine import reading, transaction
from models.webhooks import texts
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
from services.webhooks.secrets import add_secret, new_secret
from services.webhooks.views import (
    AddedEndpoint,
    EndpointView,
    read_endpoint,
    require_endpoint,
    unknown_endpoint,
)

_endpoint, _delivery = tables.webhook_endpoint.c, tables.webhook_delivery.c


@dataclass(frozen=True)
class NewEndpoint:
    """An endpoint to add.

    Attributes:
        owner: In whose name: an applicant's unit and a body get the events of their own cases,
            the organiser and the auditor of all of the season's.
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
class EndpointChanges:
    """Fields to change; None keeps the value.

    Attributes:
        events: Names; empty: all.
        rate: Messages a second at most; 0: as quick as the endpoint answers.
    """

    url: str | None = None
    description: str | None = None
    events: Sequence[str] | None = None
    rate: int | None = None


def add_endpoint(engine: Engine, new: NewEndpoint, at: datetime) -> AddedEndpoint:
    """Add an endpoint.

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
        row: dict[str, Any] = {
            "id": added.id,
            "season_id": new.season_id,
            "owner_role": new.owner.role,
            "owner_org": owner_org(connection, new.season_id, new.owner),
            "url": new.url,
            "description": new.description.strip(),
            "events": sorted(set(new.events)),
            "status": EndpointStatus.ACTIVE,
            "rate": new.rate,
            "created_at": at,
        }
        connection.execute(insert(tables.webhook_endpoint), row)
        add_secret(connection, added.id, added.secret, at)
    return added


def show_endpoint(engine: Engine, endpoint_id: str, by: Actor | None = None) -> EndpointView:
    """Return one endpoint.

    Args:
        engine: The record.
        endpoint_id: Which.
        by: Who asks: nobody but its owner is told that it exists; None: operations.

    Raises:
        Refused: `unknown_endpoint`.
    """
    with reading(engine) as connection:
        found = read_endpoint(connection, endpoint_id)
    if by is not None and not found.belongs_to(by):
        raise unknown_endpoint(endpoint_id)
    return found


def edit_endpoint(engine: Engine, endpoint_id: str, changes: EndpointChanges) -> EndpointView:
    """Change an endpoint; its secret and what waits for it stay.

    Raises:
        Refused: `unknown_endpoint`, `endpoint_removed`, `bad_url`, `bad_description`,
            `unknown_event` or `bad_rate`.
    """
    values = _checked(changes)
    with transaction(engine) as connection:
        require_endpoint(connection, endpoint_id)
        if values:
            connection.execute(
                update(tables.webhook_endpoint).where(_endpoint.id == endpoint_id).values(values)
            )
        return read_endpoint(connection, endpoint_id)


def remove(engine: Engine, endpoint_id: str, at: datetime) -> EndpointView:
    """Remove an endpoint for good: nothing more is sent, its secrets are deleted, its log stays.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    disabled = {
        "status": EndpointStatus.DISABLED,
        "why": texts.REMOVED_BY_OWNER,
        "removed_at": at,
    }
    with transaction(engine) as connection:
        require_endpoint(connection, endpoint_id)
        connection.execute(
            update(tables.webhook_endpoint).where(_endpoint.id == endpoint_id).values(disabled)
        )
        connection.execute(
            delete(tables.webhook_secret).where(tables.webhook_secret.c.endpoint_id == endpoint_id)
        )
        connection.execute(
            update(tables.webhook_delivery)
            .where(_delivery.endpoint_id == endpoint_id, _delivery.status == WebhookStatus.WAITING)
            .values(status=WebhookStatus.CANCELLED, done_at=at)
        )
        return read_endpoint(connection, endpoint_id)


def _checked(changes: EndpointChanges) -> dict[str, Any]:
    """Return the columns to change. A new address has not failed yet."""
    values: dict[str, Any] = {}
    if changes.url is not None:
        check_url(changes.url)
        values |= {"url": changes.url, "failing_since": None, "not_before": None}
    if changes.description is not None:
        check_description(changes.description.strip())
        values["description"] = changes.description.strip()
    if changes.events is not None:
        check_events(changes.events)
        values["events"] = sorted(set(changes.events))
    if changes.rate is not None:
        values["rate"] = changes.rate or None
        check_rate(values["rate"])
    return values
