"""An endpoint that asked to be left alone is left alone, whichever message was answered so."""

from alembic import op

from models.migrations.columns import instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("webhook_endpoint", instant("not_before", null=True))
