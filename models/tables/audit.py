"""The audit's own store: another database, insert only, one hash chain over all."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, MetaData, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from models.tables.types import Instant, table_of


class AuditModel(SQLModel, registry=registry(metadata=MetaData())):
    """The base of tables that are not in the record's database."""


class AuditChainRow(AuditModel, table=True):
    """One event as it came, or one audit entry, bound to all lines before it.

    `n`: the place in the chain, from 1 without gaps; `event_id`: the id of the event or of
    the entry; `body`: its exact text; `case_previous_hash`: the hash of the line before of
    the same case (None: of no case, or older than the chains of cases).
    """

    __tablename__ = "audit_record"
    __table_args__ = (
        UniqueConstraint("case_id", "case_seq", name="event_once"),
        CheckConstraint("n >= 1", name="n_from_one"),
        CheckConstraint("case_seq >= 1", name="case_seq_from_one"),
        CheckConstraint("kind <> 'event' OR case_seq IS NOT NULL", name="event_has_case"),
        Index("audit_record_of_case", "case_id", "n"),
    )

    n: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    event_id: str = Field(unique=True)
    kind: str = Field(default="event", max_length=16, sa_column_kwargs={"server_default": "event"})
    case_id: str | None = None
    case_seq: int | None = None
    stream_seq: int | None = None
    body: str
    recorded_at: datetime = Field(sa_type=Instant)
    previous_hash: str
    case_previous_hash: str | None = None
    hash: str


audit_metadata = AuditModel.metadata
audit_record = table_of(AuditChainRow)
