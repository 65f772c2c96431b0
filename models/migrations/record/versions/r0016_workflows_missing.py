"""Comparisons count the open cases that had no running workflow."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    missing = sa.Column("workflows_missing", sa.Integer(), nullable=False, server_default="0")
    op.add_column("reconcile_run", missing)
