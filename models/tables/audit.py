"""The audit's own store: another database, insert only, one hash chain over all."""

from datetime import datetime

from sqlalchemy import CheckConstraint, MetaData, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from models.tables.types import Instant


class AuditModel(SQLModel, registry=registry(metadata=MetaData())):
    """The base of tables that do not live in the record's database."""


class AuditRecord(AuditModel, table=True):
    """One event as it came, bound to all before it.

    `n`: the place in the chain, without gaps from 1; `body`: the published text.
    """

    __tablename__ = "audit_record"
    __table_args__ = (
        UniqueConstraint("case_id", "case_seq", name="event_once"),
        CheckConstraint("n >= 1", name="n_from_one"),
        CheckConstraint("case_seq >= 1", name="case_seq_from_one"),
    )

    n: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    event_id: str = Field(unique=True)
    case_id: str
    case_seq: int
    stream_seq: int | None = None
    body: str
    recorded_at: datetime = Field(sa_type=Instant)
    previous_hash: str
    hash: str


audit_metadata = AuditModel.metadata
