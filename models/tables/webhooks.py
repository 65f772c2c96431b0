"""Endpoints of other systems, what is sent to them, and how each attempt went."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.tables.types import Instant
from models.webhooks.status import EndpointStatus, WebhookStatus


class WebhookEndpoint(SQLModel, table=True):
    """Where an organisation wants to hear of its cases.

    `owner_org`: the unit or body; None for those who see the whole season. `events`: names;
    empty: all. `failing_since`: the first failure after the last success. `rate`: messages a
    second at most; None: as quick as it answers. `removed_at`: since when it is no more; such
    a one is disabled for good. `not_before`: until when it asked to be left alone.
    """

    __tablename__ = "webhook_endpoint"

    id: str = Field(primary_key=True, max_length=40)
    season_id: str = Field(foreign_key="season.id", index=True)
    owner_role: str = Field(foreign_key="actor_role.name")
    owner_org: str | None = None
    url: str
    description: str
    events: Any = Field(sa_column=Column(JSON, nullable=False))
    status: str = Field(default=EndpointStatus.ACTIVE, foreign_key="webhook_endpoint_status.name")
    why: str | None = None
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    rate: int | None = None
    not_before: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)


class WebhookSecret(SQLModel, table=True):
    """What an endpoint's messages are signed with. `expires_at`: None: the one that counts."""

    __tablename__ = "webhook_secret"

    id: str = Field(primary_key=True, max_length=40)
    endpoint_id: str = Field(foreign_key="webhook_endpoint.id", index=True)
    secret: str
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


class WebhookDelivery(SQLModel, table=True):
    """One message to one endpoint. `replay`: 0, or which repetition of it somebody asked for.

    `case_id`, `seq`: of the event; None and 0 for a test. `removed_at`: when its body and the
    answers to it were removed.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id", "replay", name="webhook_once"),
        Index("webhook_log", "endpoint_id", "id"),
        Index("webhook_due", "endpoint_id", "next_attempt_at", "seq",
              sqlite_where=text("status = 'waiting'"),
              postgresql_where=text("status = 'waiting'")),
        Index("webhook_lane", "endpoint_id", "case_id", "seq",
              sqlite_where=text("status = 'waiting'"),
              postgresql_where=text("status = 'waiting'")),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=40)
    endpoint_id: str = Field(foreign_key="webhook_endpoint.id")
    event_id: str = Field(index=True)
    event: str
    case_id: str | None = None
    seq: int = 0
    replay: int = 0
    body: str
    status: str = Field(
        default=WebhookStatus.WAITING, foreign_key="webhook_status.name", index=True
    )
    attempts: int = 0
    next_attempt_at: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)


class WebhookAttempt(SQLModel, table=True):
    """One attempt: when, the answer's status and head, and how long it took."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index("webhook_attempt_at", "at"),)

    delivery_id: str = Field(primary_key=True, foreign_key="webhook_delivery.id", max_length=40)
    n: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    status_code: int | None = None
    latency_ms: int
    error: str | None = None
    answer_head: str | None = None
