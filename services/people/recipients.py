"""Find the users whom an event about a case concerns."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from models import tables
from models.cases.actors import Role


class Recipient(NamedTuple):
    """A user to notify, and in what capacity."""

    id: str
    role: Role


def find_recipients(
    connection: Connection, roles: Sequence[Role], season: str, unit: str, body: str
) -> list[Recipient]:
    """Return the users whom an event about a case concerns, by id.

    Args:
        connection: Where to read.
        roles: The roles that are notified of it.
        season: The case's season; nobody outside of it is notified.
        unit: The case's unit; applicants of other units are not notified.
        body: The case's body; reviewers of other bodies are not notified.
    """
    if not roles:
        return []
    users = tables.app_user.c
    concerned = [and_(users.role == role, _belongs(role, unit, body)) for role in roles]
    query = (
        select(users.id, users.role)
        .where(users.season_id == season, or_(*concerned))
        .order_by(users.id)
    )
    return [Recipient(row.id, Role(row.role)) for row in connection.execute(query)]


def _belongs(role: Role, unit: str, body: str) -> ColumnElement[bool]:
    org = {Role.APPLICANT: unit, Role.BODY: body}.get(role)
    return true() if org is None else tables.app_user.c.org == org
