"""What happened between two instants is found without reading all that ever happened."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index("transition_at", "transition", ["at"])
    op.create_index("webhook_attempt_at", "webhook_attempt", ["at"])
