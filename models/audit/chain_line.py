"""What is under the hash of a line of the audit's chain."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.chain import chain_hash, digest_text

EVENT = "event"
"""The kind of a line that witnesses an event; other kinds are those of audit entries."""

HASHED = ("n", "event_id", "case_id", "case_seq", "stream_seq")
"""The columns under the hash as they are; of the body its digest, of the time its text."""


def line_hash(row: Mapping[str, Any]) -> str:
    """Return the hash that binds a line to the line before it.

    Args:
        row: The columns of `audit_record`, but for `hash`.
    """
    return chain_hash(row["previous_hash"], bound_part(row))


def bound_part(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the part of a line that is under its hash."""
    at: datetime = row["recorded_at"]
    bound = {name: row[name] for name in HASHED}
    bound["body"] = digest_text(row["body"])
    bound["recorded_at"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    if row["kind"] != EVENT:
        bound["kind"] = row["kind"]
    if row["case_previous_hash"] is not None:  # lines older than the chains of cases have none
        bound["case_previous_hash"] = row["case_previous_hash"]
    return bound
