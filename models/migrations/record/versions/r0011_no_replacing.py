"""Lines of history and deeds cannot be replaced by others in their place either."""

from models.migrations.insert_only import refuse_replacing

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    refuse_replacing("transition", ["case_id", "seq"], ["case_id", "update_id"])
    refuse_replacing("deed", ["id"])
