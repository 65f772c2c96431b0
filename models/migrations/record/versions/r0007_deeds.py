"""What the audit is to witness besides events."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import index, instant, known, text
from models.migrations.insert_only import freeze_columns

revision = "0007"
down_revision = "0006"

_FROZEN = ("id", "kind", "season_id", "case_id", "actor", "body", "reason", "at")


def upgrade() -> None:
    op.create_table(
        "deed",
        text("id", 40),
        text("kind", 16),
        text("season_id", 32, null=True),
        text("case_id", 32, null=True),
        text("actor", 100),
        text("body"),
        text("reason", null=True),
        instant("at"),
        instant("witnessed_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        known("kind", "look change removal key"),
    )
    for column in ("season_id", "case_id", "actor", "at"):
        index("deed", column)
    waiting = sa.text("witnessed_at IS NULL")
    op.create_index("deed_waiting", "deed", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    freeze_columns("deed", _FROZEN)
