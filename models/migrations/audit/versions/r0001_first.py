"""The audit's own store: one table, one chain, insert only."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import instant, text
from models.migrations.insert_only import make_insert_only

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_record",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        text("event_id"),
        text("case_id"),
        sa.Column("case_seq", sa.Integer(), nullable=False),
        sa.Column("stream_seq", sa.Integer(), nullable=True),
        text("body"),
        instant("recorded_at"),
        text("previous_hash"),
        text("hash"),
        sa.PrimaryKeyConstraint("n"),
        sa.UniqueConstraint("event_id"),
        sa.UniqueConstraint("case_id", "case_seq", name="event_once"),
        sa.CheckConstraint("case_seq >= 1", name="case_seq_from_one"),
        sa.CheckConstraint("n >= 1", name="n_from_one"),
    )
    make_insert_only("audit_record")
