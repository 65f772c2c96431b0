"""The clock and new ids, which pure code takes as arguments."""

from datetime import UTC, datetime

from ulid import ULID


def now() -> datetime:
    """Return this instant in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """Return `prefix_<ulid>`: sorts by time, fits a subject token, 26 + prefix long."""
    return f"{prefix}_{ULID()}"
