"""Show users with their names, each access entered before."""

from collections.abc import Sequence

from sqlalchemy import Engine

from models.store.engine import transaction
from services.audit.access import Access, Viewer, enter_access, resolve_org
from services.people.users import UserView, list_users


def show_users(
    engine: Engine, season_id: str, viewer: Viewer, role: str | None = None
) -> Sequence[UserView]:
    """Return the users of a season, with their names.

    Raises:
        Refused: `unknown_role` or `bad_reason`.
    """
    found = list_users(engine, season_id, role)
    if found:
        with transaction(engine) as connection:
            accessed = Access("users.seen", season_id, season=season_id)
            enter_access(connection, resolve_org(connection, viewer), accessed)
    return found
