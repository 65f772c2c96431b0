"""Calendar feeds: an address that nobody can guess, and the deadlines that are read there."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from models.cases.actors import Role
from models.cases.states import AWAITED_FROM, State
from models.chain import digest_text
from models.notifications.recipients import keeps_deadline
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.store.upsert import insert_new
from models.tables import AppUser, CalendarFeed, CaseRecord, Season, table_of
from models.wording import ROLES, moment
from services.calendars.ics import Duty
from services.people.users import unknown_user

PATH = "/calendar/{token}.ics"
"""Where a feed is read, below the address of the portal."""
TOKEN_BYTES = 32
NOTED_EVERY = timedelta(hours=1)
"""That a feed is read is noted so often: calendars ask all day long."""

_FEEDS, _USERS = table_of(CalendarFeed), table_of(AppUser)
_FEED, _USER = _FEEDS.c, _USERS.c
_CASE, _SEASON = table_of(CaseRecord).c, table_of(Season).c


@dataclass(frozen=True)
class Feed:
    """What a calendar reads.

    Attributes:
        user_id: Whose it is.
        name: How the calendar calls itself; names no person.
        duties: What awaits them, the earliest first.
        used_at: When it was last read, to the hour; None: never.
    """

    user_id: str
    name: str
    duties: tuple[Duty, ...]
    used_at: datetime | None


def make_feed(engine: Engine, user_id: str, at: datetime, *, renew: bool = False) -> str:
    """Give a user a feed; return its path, which nobody can tell again.

    Args:
        engine: The record.
        user_id: The user.
        at: This instant.
        renew: Put it in the place of the one that there may be, which ends at once.

    Raises:
        Refused: `unknown_user`, or `feed_exists` and it is not to be renewed.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    fresh = {"token_hash": digest_text(token), "created_at": at, "last_used_at": None}
    with transaction(engine) as connection:
        _refuse_unknown(connection, user_id)
        if not (renew and _replace(connection, user_id, fresh)):
            row = {"user_id": user_id, **fresh}
            if not insert_new(connection, _FEEDS, row, ("user_id",)):
                raise _exists(connection, user_id)
    return PATH.format(token=token)


def remove_feed(engine: Engine, user_id: str) -> bool:
    """End a user's feed; return whether there was one.

    Raises:
        Refused: `unknown_user`.
    """
    with transaction(engine) as connection:
        _refuse_unknown(connection, user_id)
        return connection.execute(delete(_FEEDS).where(_FEED.user_id == user_id)).rowcount > 0


def read_feed(engine: Engine, token: str) -> Feed | None:
    """Return what is read at the address that ends in this token; None: there is none."""
    query = (
        select(*_USER, _SEASON.title, _FEED.last_used_at)
        .join_from(_FEEDS, _USERS)
        .join(table_of(Season), _SEASON.id == _USER.season_id)
        .where(_FEED.token_hash == digest_text(token))
    )
    with reading(engine) as connection:
        user = connection.execute(query).one_or_none()
        if user is None:
            return None
        name = f"推选期限：{user.title}（{ROLES[user.role].zh}）"
        return Feed(
            user.id,
            name,
            duties(connection, user.season_id, Role(user.role), user.org),
            user.last_used_at,
        )


def note_use(engine: Engine, feed: Feed, at: datetime) -> None:
    """Note that a feed was read, where that was not noted within the hour."""
    if feed.used_at is not None and at - feed.used_at < NOTED_EVERY:
        return
    with transaction(engine) as connection:
        used = update(_FEEDS).where(_FEED.user_id == feed.user_id).values(last_used_at=at)
        connection.execute(used)


def duties(connection: Connection, season_id: str, role: Role, org: str | None) -> tuple[Duty, ...]:
    """Return what is awaited of users now, the earliest first: what reminders tell them of.

    Args:
        connection: Where to read.
        season_id: Their season.
        role: In what capacity they act.
        org: Their unit or body; None: their role has none.
    """
    awaiting = [
        state for state, whose in AWAITED_FROM.items() if keeps_deadline(role, state, whose)
    ]
    query = (
        select(_CASE.id, _CASE.state, _CASE.title, _CASE.deadline, _CASE.seq, _CASE.updated_at)
        .where(_CASE.season_id == season_id, _CASE.state.in_(awaiting))
        .where(_CASE.deadline.is_not(None), _theirs(role, org))
        .order_by(_CASE.deadline, _CASE.id)
    )
    return tuple(
        Duty(row.id, State(row.state), row.title, row.deadline, row.seq, row.updated_at)
        for row in connection.execute(query)
    )


def _theirs(role: Role, org: str | None) -> ColumnElement[bool]:
    column = {Role.APPLICANT: _CASE.unit_id, Role.BODY: _CASE.body_id}.get(role)
    return true() if column is None else column == org


def _refuse_unknown(connection: Connection, user_id: str) -> None:
    if connection.scalar(select(_USER.id).where(_USER.id == user_id)) is None:
        raise unknown_user(user_id)


def _replace(connection: Connection, user_id: str, fresh: dict[str, object]) -> bool:
    changed = update(_FEEDS).where(_FEED.user_id == user_id).values(fresh)
    return connection.execute(changed).rowcount > 0


def _exists(connection: Connection, user_id: str) -> Refused:
    feed = connection.execute(select(*_FEED).where(_FEED.user_id == user_id)).one()
    used = "尚未使用" if feed.last_used_at is None else f"最近使用于 {moment(feed.last_used_at)}"
    return Refused(
        "feed_exists",
        f"用户 {user_id} 已有订阅地址（{moment(feed.created_at)} 生成，{used}），地址不再显示。"
        "如需新地址，请加 --renew，原地址随即失效。",
    )
