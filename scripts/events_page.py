"""Draw `docs/events.md` and the schema of each event in `docs/schemas/` from the code."""

import json
from datetime import UTC, datetime
from typing import Any

import yaml

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

Generated from `models/cases/events.py` by `make docs`; a test fails when it is stale.

| type | zh | en | may hear of it | schema |
|---|---|---|---|---|
"""


def example(action: Action) -> dict[str, Any]:
    """Return a message as it is published."""
    rule = next(rule for rule in RULES if rule.action is action)
    data = CaseEventData.model_validate(dict(
        case_id="01J00000000000000000000000", seq=2, action=action, **{"from": rule.sources[0]},
        to=rule.dest or rule.sources[0], actor_role=rule.roles[0], season="2024",
        body="body", unit="unit", category="category", title="标题", record_hash="0" * 64,
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
    """Return what is sent, and by which ways, as AsyncAPI 3.0 says it."""
    names = [str(each.event) for each in ACTIONS.values()]
    told = [{"$ref": f"#/channels/{{way}}/messages/{name}"} for name in names]
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    token = {"description": "Letters, digits, - and _."}

    def operation(way: str, what: str) -> dict[str, Any]:
        refs = [{"$ref": each["$ref"].format(way=way)} for each in told]
        return {
            "action": "send", "summary": what,
            "channel": {"$ref": f"#/channels/{way}"}, "messages": refs,
        }  # fmt: skip

    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tuixuan events", "version": f"{VERSION}.0.0",
            "description": "What happens to a case. Version 1 only adds fields.",
        },
        "channels": {
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
        },
        "operations": {
            "publish": operation("events", "Each event is published once, for ever."),
            "post": operation("webhooks", "Each event that an endpoint wants is posted to it."),
        },
        "components": {"messages": {
            str(each.event): {
                "name": f"{TYPE_PREFIX}{each.event}", "title": each.headline.en,
                "contentType": "application/cloudevents+json",
                "payload": {
                    "schemaFormat": "application/schema+json;version=draft-2020-12",
                    "schema": {"$ref": f"schemas/{each.event}.json"},
                },
            }
            for each in ACTIONS.values()
        }},
    }  # fmt: skip


def pages() -> dict[str, str]:
    """Return each generated file under docs/ by its name."""
    rows, found = [], {}
    for action, each in ACTIONS.items():
        name, words, told = each.event, each.headline, ", ".join(each.notified)
        link = f"[{name}.json](schemas/{name}.json)"
        rows.append(f"| `{TYPE_PREFIX}{name}` | {words.zh} | {words.en} | {told} | {link} |\n")
        text = json.dumps(schema(action), ensure_ascii=False, indent=2)
        found[f"schemas/{name}.json"] = text + "\n"
    described = yaml.safe_dump(
        json.loads(json.dumps(asyncapi())), sort_keys=False, allow_unicode=True, width=100
    )
    return {"events.md": _HEAD + "".join(rows), "asyncapi.yaml": described, **found}
