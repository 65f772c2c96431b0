"""Write `docs/events.md`, `docs/asyncapi.yaml` and the schema of each event from the code."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from models.cases.actions.declaration import Declaration
from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.events import (
    TYPE_PREFIX,
    VERSION,
    CaseEvent,
    CaseEventData,
    case_event,
)
from models.cases.lifecycle import RULES
from models.stream.names import EVENTS

_HEAD = """# Events

Generated from `models/cases/events.py` and `models/cases/actions/` by `make docs`; a test fails
when it is stale.

| type | zh | en | who may be notified | schema |
|---|---|---|---|---|
"""


def example(action: Action) -> dict[str, Any]:
    """Return a message as it is published."""
    rule = next(rule for rule in RULES if rule.action is action)
    data = CaseEventData.model_validate(dict(
        case_id="01J00000000000000000000000", seq=2, action=action, **{"from": rule.sources[0]},
        to=rule.dest or rule.sources[0], actor_role=rule.roles[0], season="2024",
        body="body", unit="unit", category="category", title="标题", number="2024-body-0001",
        record_hash="0" * 64,
    ))  # fmt: skip
    message: dict[str, Any] = json.loads(
        case_event(data, datetime(2024, 4, 1, tzinfo=UTC)).to_json()
    )
    return message


def schema(action: Action) -> dict[str, Any]:
    """Return the JSON Schema of the event of `action`, with an example."""
    built = CaseEvent.model_json_schema(by_alias=True)
    shown = example(action)
    built["properties"]["type"] = {"const": TYPE_PREFIX + ACTIONS[action].event}
    built["properties"]["dataschema"] = {"const": shown["dataschema"]}
    built["$defs"]["CaseEventData"]["properties"]["action"] = {"const": action.value}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": shown["dataschema"],
        **built,
        "examples": [shown],
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: the events, and the two channels by which they are sent."""
    names = [str(each.event) for each in ACTIONS.values()]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tuixuan events", "version": f"{VERSION}.0.0",
            "description": "What happens to a case. Version 1 only adds fields.",
        },
        "channels": _channels(names),
        "operations": {
            "publish": _operation("events", names, "Each event is published once, for ever."),
            "post": _operation(
                "webhooks", names, "Each event that an endpoint wants is posted to it."
            ),
        },
        "components": {"messages": {str(each.event): _message(each) for each in ACTIONS.values()}},
    }  # fmt: skip


def _channels(names: Sequence[str]) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    token = {"description": "Letters, digits, - and _."}
    return {
        "events": {
            "address": "tuixuan.v1.case.{event}.{case_id}.{seq}",
            "description": f"NATS JetStream, stream {EVENTS}; one message a subject.",
            "parameters": {"event": {"enum": names}, "case_id": token, "seq": token},
            "messages": messages,
        },
        "webhooks": {
            "address": None,
            "description": "An HTTP POST to an endpoint, after Standard Webhooks 1.0.",
            "messages": messages,
        },
    }


def _operation(channel: str, names: Sequence[str], summary: str) -> dict[str, Any]:
    return {
        "action": "send",
        "summary": summary,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(action: Declaration[Any]) -> dict[str, Any]:
    return {
        "name": f"{TYPE_PREFIX}{action.event}",
        "title": action.headline.en,
        "contentType": "application/cloudevents+json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schemas/{action.event}.json"},
        },
    }


def pages() -> dict[str, str]:
    """Return each generated file under docs/ by its name."""
    rows, found = [], {}
    for action, each in ACTIONS.items():
        name, words, notified = each.event, each.headline, ", ".join(each.notified)
        link = f"[{name}.json](schemas/{name}.json)"
        rows.append(f"| `{TYPE_PREFIX}{name}` | {words.zh} | {words.en} | {notified} | {link} |\n")
        text = json.dumps(schema(action), ensure_ascii=False, indent=2)
        found[f"schemas/{name}.json"] = text + "\n"
    described = yaml.safe_dump(
        json.loads(json.dumps(asyncapi())), sort_keys=False, allow_unicode=True, width=100
    )
    return {"events.md": _HEAD + "".join(rows), "asyncapi.yaml": described, **found}
