"""Endpoints that asked to be left alone; the log and the counts of webhooks without a scan."""

from alembic import op

from models.migrations.columns import index, instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("webhook_endpoint", instant("not_before", null=True))
    op.create_index("webhook_log", "webhook_delivery", ["endpoint_id", "id"])
    index("webhook_delivery", "status")
