"""Looks at personal data, and what was removed when its time was over."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass
