"""What waits for somebody to look, and how far the records were compared."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.stream.dead_letters import DeadLetterStatus
from models.tables.types import Instant


class DeadLetter(SQLModel, table=True):
    """An event that a consumer gave up: one for each (consumer, subject).

    A subject names its event for ever; `stream_seq` is its place when it was given up, and
    another one after the stream was rebuilt. `case_id`, `event_id`: None where the subject
    is not one of ours.
    """

    __tablename__ = "dead_letter"
    __table_args__ = (UniqueConstraint("consumer", "subject", name="given_up_once"),)

    id: str = Field(primary_key=True, max_length=40)
    consumer: str = Field(max_length=32)
    stream_seq: int
    event_id: str | None = None
    case_id: str | None = Field(default=None, index=True)
    subject: str
    reason: str
    deliveries: int
    first_at: datetime = Field(sa_type=Instant)
    at: datetime = Field(sa_type=Instant)
    status: str = Field(
        default=DeadLetterStatus.OPEN, foreign_key="dead_letter_status.name", index=True
    )
    resolved_by: str | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    note: str | None = None


class ReconcileRun(SQLModel, table=True):
    """One comparison of the records. `watermark`: all that changed before it agreed.

    `finished_at`: None while it runs, and where it was cut short. `differences`: how many
    were found; `unrepaired`: how many of them were left; `workflows_missing`: how many open
    cases had no running workflow, started anew or not.
    """

    __tablename__ = "reconcile_run"

    id: str = Field(primary_key=True, max_length=40)
    started_at: datetime = Field(sa_type=Instant, index=True)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    watermark: datetime | None = Field(default=None, sa_type=Instant)
    cases: int = 0
    differences: int = 0
    unrepaired: int = 0
    workflows_missing: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
