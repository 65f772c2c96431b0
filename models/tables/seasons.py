"""Seasons, their recommending bodies, their moved milestones, and the working days."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from models.tables.types import Instant


class Season(SQLModel, table=True):
    """One edition of a call. `programme`: its data file as it was when the season opened.

    `milestones`: name → civil instant (ISO 8601); `anchor` and `seconds_per_day` map
    civil time to real instants (`models.dates.pace`).
    """

    __tablename__ = "season"
    __table_args__ = (CheckConstraint("seconds_per_day > 0", name="pace_positive"),)

    id: str = Field(primary_key=True, max_length=32)
    title: str
    programme: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    milestones: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    anchor: datetime = Field(sa_type=Instant)
    seconds_per_day: float
    opened_at: datetime = Field(sa_type=Instant)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class SeasonChange(SQLModel, table=True):
    """A moved milestone: who moved it, why, from when to when. `applied_at`: all cases know it."""

    __tablename__ = "season_change"

    id: str = Field(primary_key=True, max_length=40)
    season_id: str = Field(foreign_key="season.id", index=True)
    milestone: str
    body_id: str | None = None
    before: datetime | None = Field(default=None, sa_type=Instant)
    after: datetime = Field(sa_type=Instant)
    reason: str
    actor: str
    at: datetime = Field(sa_type=Instant)
    applied_at: datetime | None = Field(default=None, sa_type=Instant)


class Body(SQLModel, table=True):
    """A recommending body of a season. `cutoff`: its own, in civil time; None: the national."""

    __tablename__ = "body"

    season_id: str = Field(primary_key=True, foreign_key="season.id")
    id: str = Field(primary_key=True, max_length=32)
    name: str
    kind: str = Field(foreign_key="body_kind.name")
    cutoff: datetime | None = Field(default=None, sa_type=Instant)


class CalendarDay(SQLModel, table=True):
    """Whether a day is a working day. A year is known when all of its days are here."""

    __tablename__ = "calendar_day"

    day: date = Field(primary_key=True)
    working: bool
    source: str


def body_key() -> ForeignKeyConstraint:
    """Return the two-column reference of a row to a body of its season."""
    return ForeignKeyConstraint(["season_id", "body_id"], ["body.season_id", "body.id"])
