"""The clock and new ids, which pure code takes as arguments."""

from datetime import UTC, datetime

from ulid import ULID


def now() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """Return `prefix_<ulid>`, which sorts by time and fits a subject token."""
    return f"{prefix}_{ULID()}"
