"""Show inboxes, each access entered before."""

from sqlalchemy import Engine, select

from models import tables
from models.store.engine import transaction
from services.audit.access import Access, Viewer, enter_access, resolve_org
from services.notifications.inbox import InboxItem, inbox
from services.people.users import unknown_user


def show_inbox(
    engine: Engine, user_id: str, viewer: Viewer, limit: int = 50, after: str | None = None
) -> list[InboxItem]:
    """Return a page of a user's messages, the newest first.

    Args:
        engine: The record.
        user_id: Whose.
        viewer: Who asks.
        limit: The most messages of a page.
        after: The id of the last message of the page before; None: from the newest.

    Raises:
        Refused: `unknown_user` or `bad_reason`.
    """
    users = tables.app_user.c
    with transaction(engine) as connection:
        season = connection.scalar(select(users.season_id).where(users.id == user_id))
        if season is None:
            raise unknown_user(user_id)
        accessed = Access("inbox.seen", user_id, season=season)
        enter_access(connection, resolve_org(connection, viewer), accessed)
    return inbox(engine, user_id, limit, after)
