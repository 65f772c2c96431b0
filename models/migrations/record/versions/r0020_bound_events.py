"""Each line of history holds the digest of the event that announces it."""

from alembic import op

from models.migrations.columns import text

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("transition", text("event_digest", null=True))
