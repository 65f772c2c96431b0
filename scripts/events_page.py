"""Write `docs/events.md`, `docs/asyncapi.yaml` and the schema of each event from the code."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
from models.stream.names import ADVISORIES, EVENTS, Durable
from models.webhooks.retries import WebhookRetries
from services.webhooks.test_event import TEST_TYPE
from workers.settings.webhook import WebhookSettings
from workers.webhook.post import sign

SECRET = "whsec_" + base64.b64encode(b"an invented secret, of 32 bytes!").decode()
"""What signs the request that the page shows; it belongs to nobody."""
EVENT_AT = datetime(2024, 4, 1, tzinfo=UTC)
SENT_AT = EVENT_AT + timedelta(seconds=1)

OPENING = Path(__file__).with_name("events_opening.md")


def _shown_request() -> str:
    """Return the request that the page opens with, as it is on the wire."""
    body = json.dumps(example(Action.SUBMIT), ensure_ascii=False, separators=(",", ":"))
    event = json.loads(body)
    headers = sign(event["id"], body, [SECRET], SENT_AT)
    lines = [
        "POST /tuixuan HTTP/1.1", "host: receiver.example.org",
        *(f"{name.decode()}: {value.decode()}" for name, value in headers),
        f"content-length: {len(body.encode())}",
    ]  # fmt: skip
    return "\n".join([*lines, "", body])


def _opening() -> str:
    retries = WebhookRetries()
    return OPENING.read_text(encoding="utf-8").format(
        secret=SECRET,
        request=_shown_request(),
        timeout=WebhookSettings.model_fields["timeout"].default,
        delays=_spans(retries.delays),
        attempts=retries.attempts,
        disabled=retries.disable_after.days,
        test_type=TEST_TYPE,
        stream=EVENTS,
        advisories=ADVISORIES,
        durables="`, `".join(Durable),
    )


def _spans(spans: Sequence[timedelta]) -> str:
    """Return waits as people write them: `5 s, 5 min, 2 h`."""
    units = (("h", 3600), ("min", 60), ("s", 1))
    said = []
    for span in spans:
        seconds = int(span.total_seconds())
        unit, size = next((name, size) for name, size in units if seconds % size == 0)
        said.append(f"{seconds // size} {unit}")
    return ", ".join(said)


def example(action: Action) -> dict[str, Any]:
    """Return a message as it is published."""
    rule = next(rule for rule in RULES if rule.action is action)
    data = CaseEventData.model_validate(dict(
        case_id="case_01J00000000000000000000000", seq=2, action=action,
        **{"from": rule.sources[0]}, to=rule.dest or rule.sources[0],
        actor_role=rule.roles[0], season="2024",
        body="fujian", unit="unit_01J00000000000000000000000", category="smart-home",
        title="（示例）智慧家庭服务", number="2024-fujian-0001", awaited="body",
        deadline="2024-05-12T16:00:00Z",
        record_hash="sha256:" + "0" * 64,
    ))  # fmt: skip
    message: dict[str, Any] = json.loads(case_event(data, EVENT_AT).to_json())
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
    return {"events.md": _opening() + "".join(rows), "asyncapi.yaml": described, **found}
