"""Endpoints as their owners see them: read one, list those of a season."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, ScalarSelect, case, func, select

from models import tables
from models.cases.actors import Actor
from models.refusals import Refused
from models.store.engine import reading
from models.webhooks.status import REMOVED, WebhookStatus
from services.webhooks.checks import check_season

_endpoint, _delivery = tables.webhook_endpoint.c, tables.webhook_delivery.c


def _count(status: WebhookStatus) -> ScalarSelect[int]:
    mine = (_delivery.endpoint_id == _endpoint.id, _delivery.status == status)
    query = select(func.count(_delivery.id)).where(*mine)
    return query.correlate(tables.webhook_endpoint).scalar_subquery()


_SHOWN = select(
    *(column for column in _endpoint if column.name != "status"),
    case((_endpoint.removed_at.is_not(None), REMOVED), else_=_endpoint.status).label("status"),
    _count(WebhookStatus.WAITING).label("waiting"),
    _count(WebhookStatus.FAILED).label("failed"),
)


class EndpointView(BaseModel):
    """An endpoint as its owner sees it; the secret is not shown.

    Attributes:
        status: One of `EndpointStatus`, or `removed`.
        waiting: How many messages wait for it.
        failed: How many were set aside after their attempts.
    """

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
    not_before: datetime | None
    rate: int | None
    created_at: datetime
    removed_at: datetime | None
    waiting: int
    failed: int

    def belongs_to(self, actor: Actor) -> bool:
        """Whether somebody acts for the organisation that owns it."""
        return actor.role == self.owner_role and self.owner_org in (None, actor.id)


class AddedEndpoint(BaseModel):
    """A new endpoint with its secret, which nobody is shown again."""

    id: str
    secret: str


def list_endpoints(
    engine: Engine, season_id: str, by: Actor | None = None, *, removed: bool = False
) -> list[EndpointView]:
    """Return a season's endpoints, the oldest first.

    Args:
        engine: The record.
        season_id: The season.
        by: Only those that this actor's organisation owns; None: all.
        removed: Include removed ones.

    Raises:
        Refused: `unknown_season`.
    """
    query = _SHOWN.where(_endpoint.season_id == season_id)
    if not removed:
        query = query.where(_endpoint.removed_at.is_(None))
    with reading(engine) as connection:
        check_season(connection, season_id)
        rows = connection.execute(query.order_by(_endpoint.created_at, _endpoint.id))
        found = [EndpointView.model_validate(row) for row in rows]
    return [each for each in found if by is None or each.belongs_to(by)]


def unknown_endpoint(endpoint_id: str) -> Refused:
    """Return the refusal for an endpoint that does not exist."""
    return Refused("unknown_endpoint", f"没有回调 {endpoint_id}。")


def read_endpoint(connection: Connection, endpoint_id: str) -> EndpointView:
    """Return an endpoint, also a removed one.

    Raises:
        Refused: `unknown_endpoint`.
    """
    row = connection.execute(_SHOWN.where(_endpoint.id == endpoint_id)).one_or_none()
    if row is None:
        raise unknown_endpoint(endpoint_id)
    return EndpointView.model_validate(row)


def require_endpoint(connection: Connection, endpoint_id: str) -> EndpointView:
    """Return an endpoint that was not removed.

    Raises:
        Refused: `unknown_endpoint`, or `endpoint_removed`.
    """
    found = read_endpoint(connection, endpoint_id)
    if found.removed_at is not None:
        raise Refused("endpoint_removed", f"回调 {endpoint_id} 已移除，不能再用；请另行登记。")
    return found
