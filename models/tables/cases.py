"""The cases: where each stands, what was filed, and every step on the way."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.seasons import body_key
from models.tables.types import Instant


class CaseRecord(SQLModel, table=True):
    """Where a case stands. `seq` is its version: the number of its newest transition.

    `number`: how people call it, e.g. 2024-fujian-0012; from its first submission on.

    `revision`: the newest form; `frozen_revision`: the one that was filed last.
    `extended_cutoff`: this case's own cutoff, where it was given one.
    """

    __tablename__ = "case_record"
    __table_args__ = (
        body_key(),
        CheckConstraint("seq >= 0", name="seq_not_negative"),
        CheckConstraint("revision >= 1", name="revision_from_one"),
        CheckConstraint("frozen_revision <= revision", name="frozen_not_ahead"),
    )

    id: str = Field(primary_key=True, max_length=32)
    number: str | None = Field(default=None, max_length=80, unique=True, index=True)
    season_id: str = Field(foreign_key="season.id", index=True)
    body_id: str = Field(max_length=32, index=True)
    unit_id: str = Field(foreign_key="unit.id", index=True)
    applicant_id: str = Field(max_length=64)
    title: str
    category: str
    state: str = Field(foreign_key="case_state.name", index=True)
    seq: int = 0
    head_hash: str
    revision: int = 1
    frozen_revision: int | None = None
    content_digest: str | None = None
    since: datetime = Field(sa_type=Instant)
    due: datetime | None = Field(default=None, sa_type=Instant)
    extended_cutoff: datetime | None = Field(default=None, sa_type=Instant)
    deadline: datetime | None = Field(default=None, sa_type=Instant, index=True)
    overdue: bool = False
    return_rounds: int = 0
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class CaseCounter(SQLModel, table=True):
    """The running number taken last among the cases of a season and a body.

    `prefix`: what the numbers begin with, so that none is given twice, however ids are spelt.
    """

    __tablename__ = "case_counter"

    prefix: str = Field(primary_key=True, max_length=70)
    last: int


class CaseRevision(SQLModel, table=True):
    """The form's content, one row a saved version. Personal data lives here only.

    `removed_at`: when its retention had ended and its content was emptied; the digest stays.
    """

    __tablename__ = "case_revision"
    __table_args__ = (CheckConstraint("revision >= 1", name="from_one"),)

    case_id: str = Field(primary_key=True, foreign_key="case_record.id")
    revision: int = Field(primary_key=True)
    form: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    digest: str
    saved_by: str
    saved_at: datetime = Field(sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)


class CaseReason(SQLModel, table=True):
    """What a person wrote with an action. Commands name it by its digest only."""

    __tablename__ = "case_reason"

    case_id: str = Field(primary_key=True, foreign_key="case_record.id")
    digest: str = Field(primary_key=True)
    text: str
    written_at: datetime = Field(sa_type=Instant)


class Transition(SQLModel, table=True):
    """One line of a case's history. Insert only; each line binds the one before.

    `command`: what was asked, without free text; `content_digest`: what was filed;
    `event_digest`: what is announced, without this line's hash; None: an older release wrote
    it. `reason` alone can go, when its retention has ended.
    """

    __tablename__ = "transition"
    __table_args__ = (
        UniqueConstraint("case_id", "update_id", name="update_once"),
        CheckConstraint("seq >= 1", name="seq_from_one"),
        Index("transition_at", "at"),
    )

    case_id: str = Field(primary_key=True, foreign_key="case_record.id")
    seq: int = Field(primary_key=True)
    update_id: str = Field(max_length=200)
    action: str = Field(foreign_key="case_action.name")
    source: str = Field(foreign_key="case_state.name")
    target: str = Field(foreign_key="case_state.name")
    actor_role: str = Field(foreign_key="actor_role.name")
    actor_id: str
    at: datetime = Field(sa_type=Instant)
    reason: str | None = None
    command: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    command_digest: str
    content_digest: str | None = None
    event_digest: str | None = None
    previous_hash: str
    hash: str
