"""People and desks with an inbox: enter one, and find those whom an event concerns."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, and_, insert, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from models.cases.actors import Role
from models.notifications.delivery import Channel
from models.refusals import Refused, unknown_season
from models.store.engine import reading, transaction
from models.tables import AppUser, Body, Season, Unit, UserChannel, table_of
from services.clock import now

_USERS = table_of(AppUser)
_USER = _USERS.c
_UNIT, _BODY, _CHANNEL = table_of(Unit).c, table_of(Body).c, table_of(UserChannel).c

TOLD = (Role.APPLICANT, Role.BODY, Role.ORGANISER, Role.PANEL, Role.EXPERT, Role.AUDITOR)
"""Roles whose users are told things; an auditor, of the endpoints that audit owns."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LONGEST_EMAIL = 254  # RFC 5321: a path of 256 with its two brackets


class Recipient(NamedTuple):
    """Somebody to tell, and in what capacity."""

    id: str
    role: Role


class UserView(BaseModel):
    """A user as operations see one; no address is shown.

    Attributes:
        channels: By which they are told beside the inbox: mail, chat, sms.
    """

    id: str
    role: Role
    org: str | None
    name: str
    channels: list[Channel]


class NewUser(NamedTuple):
    """Somebody to enter, as typed."""

    id: str
    season_id: str
    role: str
    name: str
    org: str | None = None
    email: str | None = None


def enter_user(engine: Engine, new: NewUser, at: datetime) -> UserView:
    """Enter a user of a season: an expert, or one more person of a unit, a body, the office.

    Raises:
        Refused: `unknown_season`, `unknown_role`, `role_not_allowed`: nobody is told things
            in that role; or as `add_user` does.
    """
    if new.role not in set(Role):
        raise Refused("unknown_role", f"没有角色 {new.role}，可选：{'、'.join(TOLD)}。")
    role = Role(new.role)
    if role not in TOLD:
        message = f"角色 {role} 不接收通知，可选：{'、'.join(TOLD)}。"
        raise Refused("role_not_allowed", message)
    if new.org is not None and role not in (Role.APPLICANT, Role.BODY):
        raise Refused("unknown_org", f"角色 {role} 不属于申报单位或推荐单位，请去掉 --org。")
    season = table_of(Season).c.id
    with transaction(engine) as connection:
        if connection.scalar(select(season).where(season == new.season_id)) is None:
            raise unknown_season(new.season_id)
        add_user(connection, **{**new._asdict(), "role": role}, at=at)
    channels = [] if new.email is None else [Channel.MAIL]
    return UserView(id=new.id, role=role, org=new.org, name=new.name, channels=channels)


def add_user(  # noqa: PLR0913 - the columns, each by its name
    connection: Connection,
    *,
    id: str,  # noqa: A002 - the column's name
    season_id: str,
    role: Role,
    org: str | None,
    name: str,
    email: str | None,
    at: datetime,
) -> None:
    """Enter a user of a season.

    Args:
        connection: A transaction on the record.
        id: Letters, digits, `-` and `_`; at most 64.
        season_id: The season.
        role: In what capacity they are told things.
        org: The unit of an applicant, the body of a reviewer; for others None.
        name: For people to read.
        email: An address of plain ASCII, or None.
        at: This instant.

    Raises:
        Refused: `bad_user_id`, `bad_email`, `user_exists`, or `unknown_org`: there is no
            such unit or body, so no event would ever reach them.
    """
    if not _ID.fullmatch(id):
        raise Refused("bad_user_id", "用户编号只能含字母、数字、- 和 _，最多 64 个字符。")
    if not _org_exists(connection, season_id, role, org):
        raise Refused("unknown_org", f"征集季 {season_id} 没有单位 {org}，不能登记用户 {id}。")
    if connection.scalar(select(_USER.id).where(_USER.id == id)) is not None:
        raise Refused("user_exists", f"用户编号 {id} 已经登记。")
    row = {
        "id": id,
        "season_id": season_id,
        "role": role,
        "org": org,
        "name": name,
        "email": _checked(email),
        "created_at": at,
    }
    connection.execute(insert(_USERS), row)


def set_email(engine: Engine, user_id: str, email: str | None) -> None:
    """Change where a user gets mail; None: nowhere.

    Raises:
        Refused: `unknown_user` or `bad_email`.
    """
    with transaction(engine) as connection:
        write_email(connection, user_id, email)


def write_email(connection: Connection, user_id: str, email: str | None) -> None:
    """Do the same within a transaction."""
    values = {"email": _checked(email), "email_at": now()}
    new = update(_USERS).where(_USER.id == user_id).values(values)
    if connection.execute(new).rowcount == 0:
        raise unknown_user(user_id)


def list_users(engine: Engine, season_id: str, role: str | None = None) -> list[UserView]:
    """Return the users of a season, by id.

    Raises:
        Refused: There is no such role.
    """
    if role is not None and role not in set(Role):
        raise Refused("unknown_role", f"没有角色 {role}，可选：{'、'.join(Role)}。")
    query = select(*_USER).where(_USER.season_id == season_id).order_by(_USER.id)
    if role is not None:
        query = query.where(_USER.role == role)
    ways = (
        select(_CHANNEL.user_id, _CHANNEL.channel)
        .join_from(table_of(UserChannel), _USERS)
        .where(_USER.season_id == season_id)
        .order_by(_CHANNEL.channel)
    )
    with reading(engine) as connection:
        chosen: dict[str, list[Channel]] = {}
        for user_id, channel in connection.execute(ways):
            chosen.setdefault(user_id, []).append(Channel(channel))
        return [
            UserView(
                id=row.id,
                role=Role(row.role),
                org=row.org,
                name=row.name,
                channels=[*([Channel.MAIL] if row.email else []), *chosen.get(row.id, ())],
            )
            for row in connection.execute(query)
        ]


def find_recipients(
    connection: Connection, roles: Sequence[Role], season: str, unit: str, body: str
) -> list[Recipient]:
    """Return whom an event about a case concerns.

    Args:
        connection: Where to read.
        roles: The roles that are told of it.
        season: Its season; nobody outside hears of it.
        unit: The case's unit: applicants of other units do not hear of it.
        body: The case's body: reviewers of other bodies do not hear of it.
    """
    if not roles:
        return []
    concerned = [and_(_USER.role == role, _belongs(role, unit, body)) for role in roles]
    query = (
        select(_USER.id, _USER.role)
        .where(_USER.season_id == season, or_(*concerned))
        .order_by(_USER.id)
    )
    return [Recipient(row.id, Role(row.role)) for row in connection.execute(query)]


def unknown_user(user_id: str) -> Refused:
    """Return the refusal for a user id that nobody has."""
    return Refused("unknown_user", f"没有用户 {user_id}。")


def _belongs(role: Role, unit: str, body: str) -> ColumnElement[bool]:
    org = {Role.APPLICANT: unit, Role.BODY: body}.get(role)
    return true() if org is None else _USER.org == org


def _org_exists(connection: Connection, season_id: str, role: Role, org: str | None) -> bool:
    if role is Role.APPLICANT:
        found = select(_UNIT.id).where(_UNIT.season_id == season_id, _UNIT.id == org)
    elif role is Role.BODY:
        found = select(_BODY.id).where(_BODY.season_id == season_id, _BODY.id == org)
    else:
        return True
    return connection.scalar(found) is not None


def _checked(email: str | None) -> str | None:
    if email is None or (len(email) <= _LONGEST_EMAIL and _EMAIL.fullmatch(email)):
        return email
    raise Refused("bad_email", "邮箱地址不正确，请填写形如 name@example.invalid 的地址。")
