"""A case that lapsed can come back."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("INSERT INTO case_action (name) VALUES ('reopen')")
