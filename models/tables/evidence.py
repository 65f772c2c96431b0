"""Audit entries that wait for the audit worker, or were witnessed by it."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.tables.types import Instant


class AuditEntryRow(SQLModel, table=True):
    """An audit entry: access, a change, a removal; written before what was asked is answered.

    `body`: the text that the audit gets; `reason`: the reason, which stays here;
    `witnessed_at`: None until the audit has it. Nothing else of a row ever changes.
    """

    __tablename__ = "deed"
    __table_args__ = (
        Index("deed_waiting", "id", sqlite_where=text("witnessed_at IS NULL"),
              postgresql_where=text("witnessed_at IS NULL")),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=40)
    kind: str = Field(max_length=16, foreign_key="audit_entry_kind.name")
    season_id: str | None = Field(default=None, max_length=32, index=True)
    case_id: str | None = Field(default=None, max_length=32, index=True)
    actor: str = Field(max_length=100, index=True)
    body: str
    reason: str | None = None
    at: datetime = Field(sa_type=Instant, index=True)
    witnessed_at: datetime | None = Field(default=None, sa_type=Instant)
