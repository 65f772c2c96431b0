"""Show users with their names, each access entered before."""

from collections.abc import Sequence

from sqlalchemy import Engine

from models.store.engine import transaction
from services.audit.access import Access, Viewer, enter_access, resolve_org
from services.people.users import UserView, list_users


def show_users(
    engine: Engine,
    season_id: str,
    viewer: Viewer,
    role: str | None = None,
    *,
    without_channel: bool = False,
) -> Sequence[UserView]:
    """Return the users of a season, with their names.

    Args:
        engine: The record.
        season_id: The season.
        viewer: Who asks.
        role: Only those in this role.
        without_channel: Only those whom nothing but their inbox reaches.

    Raises:
        Refused: `unknown_role` or `bad_reason`.
    """
    found = [
        user
        for user in list_users(engine, season_id, role)
        if not (without_channel and user.channels)
    ]
    if found:
        with transaction(engine) as connection:
            accessed = Access("users.seen", season_id, season=season_id)
            enter_access(connection, resolve_org(connection, viewer), accessed)
    return found
