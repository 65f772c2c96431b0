"""Webhook endpoints, their secrets, deliveries and attempts."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import index, instant, known, text

revision = "0004"
down_revision = "0003"

_WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "webhook_endpoint",
        text("id", 40),
        text("season_id"),
        text("owner_role"),
        text("owner_org", null=True),
        text("url"),
        text("description"),
        sa.Column("events", sa.JSON(), nullable=False),
        text("status"),
        text("why", null=True),
        instant("failing_since", null=True),
        sa.Column("rate", sa.Integer(), nullable=True),
        instant("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"]),
        known("status", "active paused disabled"),
        known("owner_role", "applicant body organiser panel season expert operator auditor public"),
    )
    index("webhook_endpoint", "season_id")
    op.create_table(
        "webhook_secret",
        text("id", 40),
        text("endpoint_id"),
        text("secret"),
        instant("created_at"),
        instant("expires_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoint.id"]),
    )
    index("webhook_secret", "endpoint_id")
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        text("id", 40),
        text("endpoint_id"),
        text("event_id"),
        text("event"),
        text("case_id", null=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("replay", sa.Integer(), nullable=False),
        text("body"),
        text("status"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("next_attempt_at"),
        instant("created_at"),
        instant("done_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoint.id"]),
        sa.UniqueConstraint("endpoint_id", "event_id", "replay", name="webhook_once"),
        known("status", "waiting delivered failed cancelled"),
    )
    index("webhook_delivery", "event_id")
    for name, columns in (
        ("webhook_due", ["endpoint_id", "next_attempt_at"]),
        ("webhook_lane", ["endpoint_id", "case_id", "seq"]),
    ):
        op.create_index(
            name, "webhook_delivery", columns, sqlite_where=_WAITING, postgresql_where=_WAITING
        )
    op.create_table(
        "webhook_attempt",
        text("delivery_id", 40),
        sa.Column("n", sa.Integer(), nullable=False),
        instant("at"),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        text("error", null=True),
        text("answer_head", null=True),
        sa.PrimaryKeyConstraint("delivery_id", "n"),
        sa.ForeignKeyConstraint(["delivery_id"], ["webhook_delivery.id"]),
    )
