"""A case that lapsed can come back."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("INSERT INTO case_action (name) VALUES ('reopen')")
