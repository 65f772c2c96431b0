"""Dead letters, and how far the reconciler has looked."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    pass
