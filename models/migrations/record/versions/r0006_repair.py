"""Dead letters, and how far the reconciler has looked."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import index, instant, known, text

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "dead_letter",
        text("id", 40),
        text("consumer", 32),
        sa.Column("stream_seq", sa.Integer(), nullable=False),
        text("event_id", null=True),
        text("case_id", null=True),
        text("subject"),
        text("reason"),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        instant("first_at"),
        instant("at"),
        text("status"),
        text("resolved_by", null=True),
        instant("resolved_at", null=True),
        text("note", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("consumer", "subject", name="given_up_once"),
        known("status", "open retried dropped"),
    )
    index("dead_letter", "case_id")
    index("dead_letter", "status")
    op.create_table(
        "reconcile_run",
        text("id", 40),
        instant("started_at"),
        instant("finished_at", null=True),
        instant("watermark", null=True),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("unrepaired", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    index("reconcile_run", "started_at")
