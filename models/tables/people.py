"""Units that file cases, and the people who are told things."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.types import Instant


class Unit(SQLModel, table=True):
    """A unit that files cases, within a season.

    `name`: as it was first spelt. `name_key`: by which names are compared (`models.text.names`).
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("season_id", "name", name="unit_name_once"),
        UniqueConstraint("season_id", "name_key", name="unit_key_once"),
    )

    id: str = Field(primary_key=True, max_length=32)
    season_id: str = Field(foreign_key="season.id")
    name: str
    name_key: str
    created_at: datetime = Field(sa_type=Instant)


class AppUser(SQLModel, table=True):
    """A person or desk with an inbox. `org`: the unit or body they act for.

    `email`: personal data; None: the inbox alone reaches them. `email_at`: since when it is
    this one; None: since the user was entered.
    """

    __tablename__ = "app_user"

    id: str = Field(primary_key=True, max_length=64)
    season_id: str = Field(foreign_key="season.id", index=True)
    role: str = Field(foreign_key="actor_role.name")
    org: str | None = Field(default=None, index=True)
    name: str
    email: str | None = None
    email_at: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)


class UserChannel(SQLModel, table=True):
    """A way beside inbox and mail by which somebody wants to be told.

    `address`: of `chat` an Apprise URL, which is a secret; of `sms` a number.
    """

    __tablename__ = "user_channel"

    user_id: str = Field(primary_key=True, max_length=64, foreign_key="app_user.id")
    channel: str = Field(primary_key=True, max_length=8, foreign_key="user_channel_kind.name")
    address: str
    created_at: datetime = Field(sa_type=Instant)


class CalendarFeed(SQLModel, table=True):
    """The address at which a calendar reads somebody's deadlines; each has one at the most.

    `token_hash`: SHA-256 of what nobody can guess in that address, which itself is kept nowhere.
    `last_used_at`: when it was read, to the hour.
    """

    __tablename__ = "calendar_feed"
    __table_args__ = (UniqueConstraint("token_hash", name="feed_token_once"),)

    user_id: str = Field(primary_key=True, max_length=64, foreign_key="app_user.id")
    token_hash: str
    created_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
