"""What was removed when its retention ended: marks, and a history whose reasons may go.

Of a line of history only the reason may change, and only to nothing: its digest stays in the
command, under the line's hash.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import instant
from models.migrations.insert_only import freeze_columns

revision = "0010"
down_revision = "0009"

_FROZEN = (
    "case_id", "seq", "update_id", "action", "source", "target", "actor_role", "actor_id", "at",
    "command", "command_digest", "content_digest", "previous_hash", "hash",
)  # fmt: skip
_SQLITE = """
CREATE TRIGGER transition_reason_stays BEFORE UPDATE OF reason ON transition
WHEN NEW.reason IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'transition is insert only'); END
"""
_POSTGRESQL = """
CREATE TRIGGER transition_reason_stays BEFORE UPDATE OF reason ON transition
FOR EACH ROW WHEN (NEW.reason IS NOT NULL) EXECUTE FUNCTION transition_insert_only()
"""


def upgrade() -> None:
    for table in ("case_revision", "inbox_message", "webhook_delivery"):
        op.add_column(table, instant("removed_at", null=True))
    op.add_column("app_user", instant("email_at", null=True))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(sa.text(f"DROP TRIGGER transition_no_{verb}"))
        freeze_columns("transition", _FROZEN)
        op.execute(_SQLITE)
    else:
        op.execute(sa.text("DROP TRIGGER transition_insert_only ON transition"))
        op.execute(sa.text("DROP FUNCTION transition_insert_only()"))
        freeze_columns("transition", _FROZEN)
        op.execute(_POSTGRESQL)
