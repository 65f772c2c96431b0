"""Audit entries of deeds beside those of events; each entry of a case names the one before it."""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import text
from models.migrations.insert_only import make_insert_only

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("audit_record") as batch:
        batch.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="event"))
        batch.add_column(text("case_previous_hash", null=True))
        batch.alter_column("case_id", existing_type=sa.String(), nullable=True)
        batch.alter_column("case_seq", existing_type=sa.Integer(), nullable=True)
        batch.create_check_constraint("event_has_case", "kind <> 'event' OR case_seq IS NOT NULL")
    op.create_index("audit_record_of_case", "audit_record", ["case_id", "n"])
    if op.get_bind().dialect.name == "sqlite":  # the table was copied, its triggers were not
        make_insert_only("audit_record")
