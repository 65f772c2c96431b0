"""Each line of history holds the digest of its event; the outbox only grows, and is marked."""

from alembic import op

from models.migrations.columns import text
from models.migrations.insert_only import freeze_anew, freeze_columns, refuse_replacing

revision = "0020"
down_revision = "0019"

_LINE = (
    "case_id", "seq", "update_id", "action", "source", "target", "actor_role", "actor_id", "at",
    "command", "command_digest", "content_digest", "event_digest", "previous_hash", "hash",
)  # fmt: skip
_EVENT = ("id", "case_id", "seq", "subject", "body", "created_at")


def upgrade() -> None:
    op.add_column("transition", text("event_digest", null=True))
    freeze_anew("transition", _LINE)
    freeze_columns("outbox", _EVENT)
    refuse_replacing("outbox", ("id",), ("case_id", "seq"))
