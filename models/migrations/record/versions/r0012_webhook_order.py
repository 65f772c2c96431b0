"""Due webhooks are read in their order: after an outage thousands are due at one instant."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.drop_index("webhook_due", "webhook_delivery")
    waiting = sa.text("status = 'waiting'")
    op.create_index(
        "webhook_due", "webhook_delivery", ["endpoint_id", "next_attempt_at", "seq"],
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip
