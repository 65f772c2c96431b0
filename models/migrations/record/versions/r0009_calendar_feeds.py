"""Calendar feeds."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import instant, text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        text("user_id", 64),
        text("token_hash"),
        instant("created_at"),
        instant("last_used_at", null=True),
        sa.PrimaryKeyConstraint("user_id"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"]),
        sa.UniqueConstraint("token_hash", name="feed_token_once"),
    )
