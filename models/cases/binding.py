"""An event and the line of history that it announces: each says what the other says. Pure.

The line is under the hash chain, and holds the digest of its event; the event holds the hash of
the line. So nothing of what is shown, sent or witnessed can be another than what was committed.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.events import TYPE_PREFIX
from models.chain import digest
from models.ids import case_path, event_id

BOUND = ("action", "source", "target", "actor_role", "at", "hash", "event_digest")
"""The columns of `transition`, beside its key, to which an event is held."""
NO_LINE = "no line of history"
"""What is said of an event that announces nothing."""


def digest_of_event(body: str) -> str:
    """Return the digest of an event's text, without the hash of the line that holds it."""
    said = json.loads(body)
    rest = {name: value for name, value in said["data"].items() if name != "record_hash"}
    return digest({**said, "data": rest})


def misfit(line: Mapping[Any, Any], body: str) -> str | None:
    """Say what of an event is not as its line of history has it; None: it fits.

    Args:
        line: The columns of `transition`; lines of older releases have no digest, and are held
            to what stands in both.
        body: The event's exact text.
    """
    try:
        said = json.loads(body)
        for name, found, expected in _pairs(line, said):
            if found != expected:
                return name
        bound = line["event_digest"]
        return None if bound is None or digest_of_event(body) == bound else "data"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "JSON"


def _pairs(line: Mapping[Any, Any], said: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each part of an event that its line says too: its name, and both."""
    data, case_id, seq = said["data"], line["case_id"], line["seq"]
    yield "id", said["id"], event_id(case_id, seq)
    yield "subject", said["subject"], case_path(case_id)
    yield "type", said["type"], TYPE_PREFIX + ACTIONS[Action(line["action"])].event
    yield "time", datetime.fromisoformat(said["time"]), line["at"]
    yield "timestamp", datetime.fromisoformat(said["timestamp"]), line["at"]
    yield "data.case_id", data["case_id"], case_id
    yield "data.seq", data["seq"], seq
    yield "data.action", data["action"], line["action"]
    yield "data.from", data["from"], line["source"]
    yield "data.to", data["to"], line["target"]
    yield "data.actor_role", data["actor_role"], line["actor_role"]
    yield "data.record_hash", data["record_hash"], line["hash"]
