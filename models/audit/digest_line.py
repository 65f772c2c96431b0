"""The lines of the digest file, each bound to the one before it and signed.

First comes the public key, then a digest for each civil day that has ended, and a line for
each change of the key, which the key before it signs.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.chain import GENESIS, digest

CIVIL = ZoneInfo("Asia/Shanghai")

type Line = dict[str, Any]


def key_line(public_key: str, reason: str, at: datetime) -> Line:
    """Return a line, not yet signed, that announces a key.

    Args:
        public_key: The raw public key in hex.
        reason: Why it signs from now on; `first` for the first.
        at: When.
    """
    return {"kind": "key", "public_key": public_key, "reason": reason, "at": at.isoformat()}


def digest_line(day: date, now: datetime, head: tuple[int, str | None], covered: int) -> Line:
    """Return a line, not yet signed, with the head of the audit's chain.

    Args:
        day: The civil day whose digest it is.
        now: This instant; the line closes the day if it has ended by now.
        head: Place and hash of the last line of the chain that the digest covers.
        covered: The place up to which earlier digests go.
    """
    n, head_hash = head
    return {
        "kind": "digest",
        "day": day.isoformat(),
        "closed": end_of_day(day) <= now,
        "at": now.isoformat(),
        "n": n,
        "head": head_hash or GENESIS,
        "count": n - covered,
    }


def previous_digest(lines: Sequence[Line]) -> str:
    """Return what binds the next line to those before it."""
    return digest(lines[-1]) if lines else GENESIS


def announced_key(lines: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the public key that signs now, in hex; None where none was announced."""
    keys = [str(line.get("public_key", "")) for line in lines if line.get("kind") == "key"]
    return keys[-1] if keys else None


def covered_place(lines: Sequence[Mapping[str, Any]]) -> int:
    """Return the place in the chain up to which digests go; 0 for none."""
    return max((line["n"] for line in lines if "n" in line), default=0)


def last_closed_day(lines: Sequence[Mapping[str, Any]]) -> date | None:
    """Return the last day that a digest closes; None where none is closed."""
    closed = [line["day"] for line in lines if line.get("closed")]
    return date.fromisoformat(closed[-1]) if closed else None


def day_after_closed(lines: Sequence[Mapping[str, Any]]) -> date | None:
    """Return the day after the last that a digest closes; None where none is closed."""
    last = last_closed_day(lines)
    return None if last is None else last + timedelta(days=1)


def end_of_day(day: date) -> datetime:
    """Return the instant at which a civil day has ended."""
    return datetime.combine(day + timedelta(days=1), time.min, CIVIL)
