"""Remove mail, chat and SMS addresses after the season and its last case have ended."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)

from models import tables
from models.chain import digest
from models.notifications.delivery import Channel
from models.store.keys import has_key
from models.tables.types import Instant
from services.retention.classes import ExpiringClass, Found, Removal, Scope


def _due_addresses(scope: Scope) -> Select[Any]:
    users, channels = tables.app_user.c, tables.user_channel.c
    of_season = users.season_id == scope.season
    entered = func.coalesce(users.email_at, users.created_at).label("at")
    mail = select(users.id.label("user_id"), literal(Channel.MAIL).label("channel"), entered)
    others = select(channels.user_id, channels.channel, channels.created_at)
    every = union_all(
        mail.where(of_season, users.email.is_not(None)),
        others.join(tables.app_user, users.id == channels.user_id).where(of_season),
    ).subquery()
    over = scope.over is not None and scope.over <= scope.before
    moment = literal(scope.over, Instant).label("moment")
    return (
        select(every.c.user_id, every.c.channel, moment)
        .where(literal(over), every.c.at <= scope.before)
        .order_by(every.c.user_id, every.c.channel)
    )


def _empty_addresses(
    connection: Connection, rows: Found, scope: Scope, _now: datetime
) -> Iterator[Removal]:
    """Remove addresses. The entry has no digest of them: whoever has it could try all numbers."""
    users, channels = tables.app_user, tables.user_channel
    keys = [(row.user_id, row.channel) for row in rows]
    mails = [user_id for user_id, channel in keys if channel == Channel.MAIL]
    connection.execute(update(users).where(users.c.id.in_(mails)).values(email=None))
    removed = has_key(channels.c.user_id, channels.c.channel, keys)
    connection.execute(delete(channels).where(removed))
    yield Removal(f"{scope.season}/addresses", None, digest(keys), len(keys))


ADDRESSES = ExpiringClass(_due_addresses, _empty_addresses)
