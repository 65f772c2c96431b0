"""How people want to be told: channels, digests, messages that are about no case.

Both tables are made anew on both databases: SQLite cannot change a check in place.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import index, instant, known, text

revision = "0003"
down_revision = "0002"

_MESSAGE = "id, recipient, event_id, event, case_id, subject, text, at, read_at"
_DELIVERY = (
    "id, message_id, channel, status, attempts, next_attempt_at, last_error, sent_at"
)  # fmt: skip


def upgrade() -> None:
    for table in ("delivery", "inbox_message"):
        kept = f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}"  # noqa: S608 - ours
        op.execute(kept)
        op.drop_table(table)
    _messages()
    _deliveries()
    op.execute(
        f"INSERT INTO inbox_message ({_MESSAGE}) "  # noqa: S608 - names of this file
        f"SELECT {_MESSAGE} FROM kept_inbox_message"
    )
    op.execute(
        f"INSERT INTO delivery ({_DELIVERY}, digest) "  # noqa: S608 - names of this file
        f"SELECT {_DELIVERY}, false FROM kept_delivery"
    )
    for table in ("delivery", "inbox_message"):
        op.execute(f"DROP TABLE kept_{table}")
    op.create_table(
        "user_channel",
        text("user_id", 64),
        text("channel", 8),
        text("address"),
        instant("created_at"),
        sa.PrimaryKeyConstraint("user_id", "channel"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"]),
        known("channel", "chat sms"),
    )


def _messages() -> None:
    op.create_table(
        "inbox_message",
        text("id", 40),
        text("recipient"),
        text("event_id"),
        text("event"),
        text("case_id", null=True),
        text("subject"),
        text("text"),
        instant("at"),
        instant("read_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
        sa.ForeignKeyConstraint(["recipient"], ["app_user.id"]),
        sa.UniqueConstraint("recipient", "event_id", name="told_once"),
    )
    for column in ("case_id", "event_id", "recipient"):
        index("inbox_message", column)


def _deliveries() -> None:
    op.create_table(
        "delivery",
        text("id", 40),
        text("message_id"),
        text("channel"),
        text("status"),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("next_attempt_at"),
        text("last_error", null=True),
        instant("sent_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["message_id"], ["inbox_message.id"]),
        sa.UniqueConstraint("message_id", "channel", name="channel_once"),
        sa.CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        known("status", "waiting sent failed dropped"),
    )
    index("delivery", "message_id")
    index("delivery", "status")
