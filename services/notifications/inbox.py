"""The inbox of a user: a page of messages, and marking them as read."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, select, update

from models import tables
from models.store.engine import reading, transaction
from services.people.users import unknown_user

MOST_AT_ONCE = 200
"""How many rows one page holds at most."""

_message = tables.inbox_message.c


class InboxItem(BaseModel):
    """A message in somebody's inbox.

    `event`: the event's name, e.g. `submitted`. `number`: how people call the case.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    event_id: str
    event: str
    case_id: str | None
    number: str | None
    subject: str
    text: str
    at: datetime
    read_at: datetime | None


def inbox(
    engine: Engine, user_id: str, limit: int = 50, after: str | None = None
) -> list[InboxItem]:
    """Return a page of a user's messages, the newest first.

    Args:
        engine: The record.
        user_id: Whose.
        limit: How many at most, up to `MOST_AT_ONCE`.
        after: The id of the last message of the page before; None: from the newest.

    Raises:
        Refused: `unknown_user`.
    """
    own = [_message[name] for name in InboxItem.model_fields if name != "number"]
    query = (
        select(*own, tables.case_record.c.number)
        .join_from(
            tables.inbox_message,
            tables.case_record,
            tables.case_record.c.id == _message.case_id,
            isouter=True,
        )
        .where(_message.recipient == user_id)
        .order_by(_message.id.desc())
        .limit(min(limit, MOST_AT_ONCE))
    )
    if after is not None:
        query = query.where(_message.id < after)
    with reading(engine) as connection:
        _check_user(connection, user_id)
        return [InboxItem.model_validate(row) for row in connection.execute(query)]


def mark_read(engine: Engine, user_id: str, message_ids: Sequence[str], at: datetime) -> int:
    """Mark messages of a user as read; those read before keep their time.

    Returns:
        How many were unread until now.

    Raises:
        Refused: `unknown_user`.
    """
    unread = update(tables.inbox_message).where(
        _message.recipient == user_id,
        _message.id.in_(message_ids),
        _message.read_at.is_(None),
    )
    with transaction(engine) as connection:
        _check_user(connection, user_id)
        return connection.execute(unread.values(read_at=at)).rowcount


def _check_user(connection: Connection, user_id: str) -> None:
    user = tables.app_user.c.id
    if connection.scalar(select(user).where(user == user_id)) is None:
        raise unknown_user(user_id)
