"""Webhook endpoints can be ended for good; what was sent to them stays."""

from alembic import op

from models.migrations.columns import instant

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("webhook_endpoint", instant("removed_at", null=True))
