"""What is still to be told, to whom it was told, and how far each consumer is."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.notifications.delivery import DeliveryStatus
from models.tables.types import Instant


class Outbox(SQLModel, table=True):
    """An event to publish. Written with its transition, drained by the relay.

    `body`: the exact text that goes out; `published_at`: None until the stream has it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("case_id", "seq", name="outbox_once"),
        ForeignKeyConstraint(["case_id", "seq"], ["transition.case_id", "transition.seq"]),
        Index("outbox_waiting", "id", sqlite_where=text("published_at IS NULL"),
              postgresql_where=text("published_at IS NULL")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    case_id: str
    seq: int
    subject: str
    body: str
    created_at: datetime = Field(sa_type=Instant)
    published_at: datetime | None = Field(default=None, sa_type=Instant)
    stream_seq: int | None = None
    attempts: int = 0
    last_error: str | None = None


class ConsumerCursor(SQLModel, table=True):
    """How far a consumer is with a case; moved in its effect's own transaction."""

    __tablename__ = "consumer_cursor"

    consumer: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(primary_key=True)
    last_seq: int
    at: datetime = Field(sa_type=Instant)


class Lease(SQLModel, table=True):
    """Who may do a thing that only one may do at a time."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, max_length=32)
    holder: str
    expires_at: datetime = Field(sa_type=Instant)


class InboxMessage(SQLModel, table=True):
    """A message in somebody's inbox: one for each (recipient, event).

    `event_id`: that of the event, or any stable key where there is none; `case_id`: None:
    it is about no case. `removed_at`: when its text was removed; the row stays, so that nobody
    is told again.
    """

    __tablename__ = "inbox_message"
    __table_args__ = (UniqueConstraint("recipient", "event_id", name="told_once"),)

    id: str = Field(primary_key=True, max_length=40)
    recipient: str = Field(foreign_key="app_user.id", index=True)
    event_id: str = Field(index=True)
    event: str
    case_id: str | None = Field(default=None, foreign_key="case_record.id", index=True)
    subject: str
    text: str
    at: datetime = Field(sa_type=Instant)
    read_at: datetime | None = Field(default=None, sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)


class Delivery(SQLModel, table=True):
    """One message by one channel outside the inbox, and how it went.

    `digest`: it leaves together with the others of its day; `dropped`: what it reminds of
    was done before it left.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("message_id", "channel", name="channel_once"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
    )

    id: str = Field(primary_key=True, max_length=40)
    message_id: str = Field(foreign_key="inbox_message.id", index=True)
    channel: str
    status: str = Field(
        default=DeliveryStatus.WAITING, foreign_key="delivery_status.name", index=True
    )
    digest: bool = False
    attempts: int = 0
    next_attempt_at: datetime = Field(sa_type=Instant)
    last_error: str | None = None
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
