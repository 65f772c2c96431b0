"""Which endpoints hear of which cases: a unit's and a body's of their own, others of all."""

from sqlalchemy import ColumnElement, and_, or_

from models import tables
from models.cases.actors import Role
from models.cases.events import CaseEventData
from services.webhooks.views import EndpointView


def endpoints_of(data: CaseEventData) -> ColumnElement[bool]:
    """Return the condition on `webhook_endpoint` that it may hear of a case."""
    endpoint = tables.webhook_endpoint.c
    return and_(
        endpoint.season_id == data.season,
        or_(
            endpoint.owner_org.is_(None),
            and_(endpoint.owner_role == Role.APPLICANT, endpoint.owner_org == data.unit),
            and_(endpoint.owner_role == Role.BODY, endpoint.owner_org == data.body),
        ),
    )


def cases_of(endpoint: EndpointView) -> ColumnElement[bool]:
    """Return the condition on `case_record` that an endpoint may hear of it."""
    case = tables.case_record.c
    of_season = case.season_id == endpoint.season_id
    if endpoint.owner_org is None:
        return of_season
    org = case.unit_id if endpoint.owner_role == Role.APPLICANT else case.body_id
    return and_(of_season, org == endpoint.owner_org)
