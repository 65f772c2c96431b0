"""What the audit witnesses beside events, and a chain for each case."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
