"""The hash that binds one line of a case's history to the line before."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.chain import chain_hash

HASHED = (
    "case_id",
    "seq",
    "update_id",
    "action",
    "source",
    "target",
    "actor_role",
    "actor_id",
    "command_digest",
    "content_digest",
)
"""The columns under the hash as they are; `at` and the reason come in as below, and so
does the digest of the event."""


def transition_hash(line: Mapping[str, Any]) -> str:
    """Return the hash of a line of history.

    Args:
        line: The columns of `transition`. Of the reason only the digest is bound (it
            stands in the command), so a text whose retention ends can be removed and
            the chain still holds.
    """
    return chain_hash(line["previous_hash"], bound_line(line))


def bound_line(line: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what of a line of history is under its hash."""
    at: datetime = line["at"]
    record = {name: line[name] for name in HASHED}
    record["at"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    record["reason"] = line["command"].get("reason")
    if (event := line.get("event_digest")) is not None:  # lines of older releases have none
        record["event_digest"] = event
    return record
