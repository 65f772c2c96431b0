"""A line of the audit cannot be replaced by another in its place either."""

from models.migrations.insert_only import refuse_replacing

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    refuse_replacing("audit_record", ["n"], ["event_id"], ["case_id", "case_seq"])
