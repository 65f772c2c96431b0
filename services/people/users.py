"""Users: people and shared inboxes of a season, in the capacity in which they are notified."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, Row, insert, select, update

from models import tables
from models.cases.actors import Role
from models.notifications.delivery import Channel
from models.refusals import Refused, unknown_season
from models.store.engine import reading, transaction
from models.text.addresses import is_address
from models.text.entry import require_fit
from models.wording import ROLES, choices, code_of, role_name
from services.clock import now

RECIPIENT_ROLES = (
    Role.APPLICANT, Role.BODY, Role.ORGANISER, Role.PANEL, Role.EXPERT, Role.AUDITOR,
)  # fmt: skip
"""Roles whose users are notified; an auditor, of the webhook endpoints that auditors own."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What begins with a dash would be taken for an option wherever it is typed."""


class UserView(BaseModel):
    """A user as operators see one; no address is shown.

    Attributes:
        channels: By which they are notified beside the inbox: mail, chat, sms.
    """

    id: str
    role: Role
    org: str | None
    name: str
    channels: list[Channel]


class NewUser(NamedTuple):
    """A user to enter, as typed."""

    id: str
    season_id: str
    role: str
    name: str
    org: str | None = None
    email: str | None = None


def enter_user(engine: Engine, new: NewUser, at: datetime) -> UserView:
    """Enter a user of a season: an expert, or one more person of a unit, body or role.

    Raises:
        Refused: `unknown_season`, `unknown_role`, `role_not_allowed`: nobody is notified in
            that role; or as `add_user` does.
    """
    role = known_role(new.role, RECIPIENT_ROLES)
    if role not in RECIPIENT_ROLES:
        message = (
            f"角色{role_name(role)}不接收通知，可选：{'、'.join(map(role_name, RECIPIENT_ROLES))}。"
        )
        raise Refused("role_not_allowed", message)
    if new.org is not None and role not in (Role.APPLICANT, Role.BODY):
        raise Refused(
            "unknown_org", f"角色{role_name(role)}不属于申报单位或推荐单位，请去掉 --org。"
        )
    seasons = tables.season.c
    with transaction(engine) as connection:
        if connection.scalar(select(seasons.id).where(seasons.id == new.season_id)) is None:
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
    """Enter a user of a season in the caller's transaction.

    Args:
        connection: A transaction on the record.
        id: Letters, digits, `-` and `_`, from a letter or digit on; at most 64.
        season_id: The season.
        role: In what capacity they are notified.
        org: The unit of an applicant, the body of a reviewer; None for others.
        name: For people to read.
        email: An address of plain ASCII, or None.
        at: This instant.

    Raises:
        Refused: `bad_user_id`, `bad_email`, `unfit_text`, `user_exists`, or `unknown_org`: there
            is no such unit or body, so no event would ever reach them.
    """
    if not _ID.fullmatch(id):
        raise Refused(
            "bad_user_id", "用户编号只能含字母、数字、- 和 _，以字母或数字开头，最多 64 个字符。"
        )
    if not _org_exists(connection, season_id, role, org):
        raise Refused("unknown_org", f"征集季 {season_id} 没有单位 {org}，不能登记用户 {id}。")
    users = tables.app_user
    if connection.scalar(select(users.c.id).where(users.c.id == id)) is not None:
        raise Refused("user_exists", f"用户编号 {id} 已经登记。")
    row = {
        "id": id,
        "season_id": season_id,
        "role": role,
        "org": org,
        "name": require_fit(name, "名称"),
        "email": _checked(email),
        "created_at": at,
    }
    connection.execute(insert(users), row)


def set_email(engine: Engine, user_id: str, email: str | None) -> None:
    """Change where a user gets mail; None: nowhere.

    Raises:
        Refused: `unknown_user` or `bad_email`.
    """
    with transaction(engine) as connection:
        write_email(connection, user_id, email)


def write_email(connection: Connection, user_id: str, email: str | None) -> None:
    """Do what `set_email` does in the caller's transaction."""
    users = tables.app_user
    changed = update(users).where(users.c.id == user_id)
    values = {"email": _checked(email), "email_at": now()}
    if connection.execute(changed.values(values)).rowcount == 0:
        raise unknown_user(user_id)


def list_users(engine: Engine, season_id: str, role: str | None = None) -> list[UserView]:
    """Return the users of a season, by id.

    Raises:
        Refused: `unknown_role`.
    """
    if role is not None:
        role = known_role(role, Role)
    users = tables.app_user
    query = select(users).where(users.c.season_id == season_id).order_by(users.c.id)
    if role is not None:
        query = query.where(users.c.role == role)
    with reading(engine) as connection:
        channels = _read_channels(connection, season_id)
        return [_view(row, channels[row.id]) for row in connection.execute(query)]


def known_role(typed: str, offered: Iterable[Role]) -> Role:
    """Return the role that somebody means by its name or its word.

    Raises:
        Refused: `unknown_role`; the message names those offered.
    """
    found = code_of(typed, Role, ROLES)
    if found is None:
        raise Refused("unknown_role", f"没有角色 {typed}，可选：{choices(offered, ROLES)}。")
    return Role(found)


def unknown_user(user_id: str) -> Refused:
    """Return the refusal of a user id that is not on record."""
    return Refused("unknown_user", f"没有用户 {user_id}。")


def _read_channels(connection: Connection, season_id: str) -> dict[str, list[Channel]]:
    """Return the channels that users of a season chose beside mail, by user id."""
    users, channels = tables.app_user, tables.user_channel
    query = (
        select(channels.c.user_id, channels.c.channel)
        .join_from(channels, users)
        .where(users.c.season_id == season_id)
        .order_by(channels.c.channel)
    )
    chosen: dict[str, list[Channel]] = defaultdict(list)
    for user_id, channel in connection.execute(query):
        chosen[user_id].append(Channel(channel))
    return chosen


def _view(row: Row[*tuple[object, ...]], chosen: list[Channel]) -> UserView:
    channels = [*([Channel.MAIL] if row.email else []), *chosen]
    return UserView(id=row.id, role=Role(row.role), org=row.org, name=row.name, channels=channels)


def _org_exists(connection: Connection, season_id: str, role: Role, org: str | None) -> bool:
    table = {Role.APPLICANT: tables.unit, Role.BODY: tables.body}.get(role)
    if table is None:
        return True
    found = select(table.c.id).where(table.c.season_id == season_id, table.c.id == org)
    return connection.scalar(found) is not None


def _checked(email: str | None) -> str | None:
    if email is None or is_address(email):
        return email
    raise Refused("bad_email", "邮箱地址不正确，请填写形如 name@example.invalid 的地址。")
