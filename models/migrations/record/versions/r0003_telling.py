"""How people want to be told: channels, digests, quiet hours, calendar feeds."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
