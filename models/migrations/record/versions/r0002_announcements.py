"""What is to be told, to whom it was told, and how far each consumer is."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import index, instant, known, text

revision = "0002"
down_revision = "0001"

_WAITING = sa.text("published_at IS NULL")


def upgrade() -> None:
    _announcing()
    _telling()


def _announcing() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        text("case_id"),
        sa.Column("seq", sa.Integer(), nullable=False),
        text("subject"),
        text("body"),
        instant("created_at"),
        instant("published_at", null=True),
        sa.Column("stream_seq", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        text("last_error", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["case_id", "seq"], ["transition.case_id", "transition.seq"]),
        sa.UniqueConstraint("case_id", "seq", name="outbox_once"),
    )
    op.create_index(
        "outbox_waiting", "outbox", ["id"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_table(
        "consumer_cursor",
        text("consumer", 32),
        text("case_id"),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        instant("at"),
        sa.PrimaryKeyConstraint("consumer", "case_id"),
    )
    op.create_table(
        "lease",
        text("name", 32),
        text("holder"),
        instant("expires_at"),
        sa.PrimaryKeyConstraint("name"),
    )


def _telling() -> None:
    op.create_table(
        "inbox_message",
        text("id", 40),
        text("recipient"),
        text("event_id"),
        text("event"),
        text("case_id"),
        text("subject"),
        text("text"),
        instant("at"),
        instant("read_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
        sa.ForeignKeyConstraint(["recipient"], ["app_user.id"]),
        sa.UniqueConstraint("recipient", "event_id", name="told_once"),
    )
    index("inbox_message", "case_id")
    index("inbox_message", "event_id")
    index("inbox_message", "recipient")
    op.create_table(
        "delivery",
        text("id", 40),
        text("message_id"),
        text("channel"),
        text("status"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("next_attempt_at"),
        text("last_error", null=True),
        instant("sent_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["message_id"], ["inbox_message.id"]),
        sa.UniqueConstraint("message_id", "channel", name="channel_once"),
        sa.CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        known("status", "waiting sent failed"),
    )
    index("delivery", "message_id")
    index("delivery", "status")
