"""Which endpoints hear of which cases: a unit's and a body's of their own, others of all."""

from typing import Protocol

from sqlalchemy import ColumnElement, and_

from models import tables
from models.cases.actors import Role
from models.cases.events import CaseEventData
from services.webhooks.views import EndpointView


class Listener(Protocol):
    """An endpoint, as far as it matters what it may hear of; a row or a view of it."""

    @property
    def season_id(self) -> str:
        """Its season."""

    @property
    def owner_role(self) -> str:
        """Whose it is."""

    @property
    def owner_org(self) -> str | None:
        """Of which unit or body; None: of somebody who sees the whole season."""


def may_hear(endpoint: Listener, data: CaseEventData) -> bool:
    """Tell whether an endpoint may hear of a case."""
    if endpoint.season_id != data.season:
        return False
    orgs = {Role.APPLICANT: data.unit, Role.BODY: data.body}
    return endpoint.owner_org is None or endpoint.owner_org == orgs.get(Role(endpoint.owner_role))


def cases_of(endpoint: EndpointView) -> ColumnElement[bool]:
    """Return the condition on `case_record` that an endpoint may hear of it."""
    case = tables.case_record.c
    of_season = case.season_id == endpoint.season_id
    if endpoint.owner_org is None:
        return of_season
    org = case.unit_id if endpoint.owner_role == Role.APPLICANT else case.body_id
    return and_(of_season, org == endpoint.owner_org)
