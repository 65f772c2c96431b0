"""Calendar feeds: an address that nobody can guess, and the deadlines that stand there."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from models import tables
from models.cases.actors import Role
from models.cases.states import AWAITED_FROM, State
from models.chain import digest_text
from models.notifications.recipients import keeps_deadline
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.store.upsert import insert_new
from models.wording import ROLES, moment
from services.calendars.ics import Duty
from services.notifications.alarms import Due, alarms_of
from services.people.users import unknown_user

PATH = "/calendar/{token}.ics"
"""Where a feed is read, below the address of the portal."""
TOKEN_BYTES = 32
NOTED_EVERY = timedelta(hours=1)
"""How often it is noted that a feed is read: calendars ask all day long."""

_feed, _user = tables.calendar_feed.c, tables.app_user.c
_case, _season = tables.case_record.c, tables.season.c


@dataclass(frozen=True)
class Feed:
    """What a calendar reads.

    Attributes:
        user_id: Whose it is.
        name: What the calendar is called; names no person.
        duties: What is awaited from them, the earliest first.
        used_at: When it was last read, to the hour; None: never.
    """

    user_id: str
    name: str
    duties: tuple[Duty, ...]
    used_at: datetime | None


def make_feed(engine: Engine, user_id: str, at: datetime, *, renew: bool = False) -> str:
    """Give a user a feed; return its path, which is shown only now.

    Args:
        engine: The record.
        user_id: The user.
        at: This instant.
        renew: Replace an existing feed, which ends at once.

    Raises:
        Refused: `unknown_user`, or `feed_exists` unless it is renewed.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    fresh = {"token_hash": digest_text(token), "created_at": at, "last_used_at": None}
    with transaction(engine) as connection:
        _refuse_unknown(connection, user_id)
        if not (renew and _replace(connection, user_id, fresh)):
            row = {"user_id": user_id, **fresh}
            if not insert_new(connection, tables.calendar_feed, row, ("user_id",)):
                raise _exists(connection, user_id)
    return PATH.format(token=token)


def remove_feed(engine: Engine, user_id: str) -> bool:
    """Remove a user's feed; return whether there was one.

    Raises:
        Refused: `unknown_user`.
    """
    with transaction(engine) as connection:
        _refuse_unknown(connection, user_id)
        return (
            connection.execute(
                delete(tables.calendar_feed).where(_feed.user_id == user_id)
            ).rowcount
            > 0
        )


def read_feed(engine: Engine, token: str) -> Feed | None:
    """Return the feed whose address ends in this token; None: there is none."""
    query = (
        select(*_user, _season.title, _feed.last_used_at)
        .join_from(tables.calendar_feed, tables.app_user)
        .join(tables.season, _season.id == _user.season_id)
        .where(_feed.token_hash == digest_text(token))
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
    """Note that a feed was read, unless that was noted within the hour."""
    if feed.used_at is not None and at - feed.used_at < NOTED_EVERY:
        return
    with transaction(engine) as connection:
        used = (
            update(tables.calendar_feed)
            .where(_feed.user_id == feed.user_id)
            .values(last_used_at=at)
        )
        connection.execute(used)


def duties(connection: Connection, season_id: str, role: Role, org: str | None) -> tuple[Duty, ...]:
    """Return what is awaited from users now, the earliest first: that of which they are reminded.

    Args:
        connection: Where to read.
        season_id: Their season.
        role: Their role.
        org: Their unit or body; None: their role has none.
    """
    awaiting = [
        state for state, whose in AWAITED_FROM.items() if keeps_deadline(role, state, whose)
    ]
    query = (
        select(
            _case.id,
            _case.state,
            _case.title,
            _case.deadline,
            _case.seq,
            _case.updated_at,
            _case.number,
        )
        .where(_case.season_id == season_id, _case.state.in_(awaiting))
        .where(_case.deadline.is_not(None), _theirs(role, org))
        .order_by(_case.deadline, _case.id)
    )
    rows = connection.execute(query).all()
    due = [Due(season_id, row.deadline, row.updated_at) for row in rows]
    alarms = alarms_of(connection, due)
    return tuple(
        Duty(
            row.id, State(row.state), row.title, row.deadline, row.seq, row.updated_at,
            row.number, tuple(alarms[each]),
        )
        for row, each in zip(rows, due, strict=True)
    )  # fmt: skip


def _theirs(role: Role, org: str | None) -> ColumnElement[bool]:
    column = {Role.APPLICANT: _case.unit_id, Role.BODY: _case.body_id}.get(role)
    return true() if column is None else column == org


def _refuse_unknown(connection: Connection, user_id: str) -> None:
    if connection.scalar(select(_user.id).where(_user.id == user_id)) is None:
        raise unknown_user(user_id)


def _replace(connection: Connection, user_id: str, fresh: dict[str, object]) -> bool:
    changed = update(tables.calendar_feed).where(_feed.user_id == user_id).values(fresh)
    return connection.execute(changed).rowcount > 0


def _exists(connection: Connection, user_id: str) -> Refused:
    feed = connection.execute(select(*_feed).where(_feed.user_id == user_id)).one()
    used = "尚未使用" if feed.last_used_at is None else f"最近使用于 {moment(feed.last_used_at)}"
    return Refused(
        "feed_exists",
        f"用户 {user_id} 已有订阅地址（{moment(feed.created_at)} 生成，{used}），地址不再显示。"
        "如需新地址，请加 --renew，原地址随即失效。",
    )
