"""The page and the schemas of the events are current, and the schemas bite."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import Parser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from standardwebhooks import Webhook

from models.cases.actions.names import Action, EventName
from models.cases.events import CaseEvent
from models.stream.names import ADVISORIES, EVENTS, Durable, event_subject
from scripts.docs import DOCS
from scripts.events_page import example, pages, schema
from services.webhooks.test_event import TEST_TYPE
from workers.stream.incoming import read_event

V1 = Path(__file__).with_name("events_v1.json")


def test_no_file_is_stale() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "run: make docs"
    assert {f"schemas/{path.name}" for path in DOCS.glob("schemas/*")} < set(pages())


@pytest.mark.parametrize("action", Action)
def test_the_example_fits_and_a_doctored_one_does_not(action: Action) -> None:
    validator = jsonschema.Draft202012Validator(schema(action))
    shown = example(action)
    assert validator.is_valid(shown)
    assert not validator.is_valid(shown | {"type": "org.tuixuan.case.other"})
    assert not validator.is_valid(shown | {"data": shown["data"] | {"action": "other"}})
    assert not validator.is_valid({name: shown[name] for name in shown if name != "data"})


@pytest.mark.parametrize("action", Action)
def test_what_v1_may_add_fits_the_schema_and_is_read(action: Action) -> None:
    """A field beside those of the envelope, and one beside those of its data."""
    shown = example(action)
    added = shown | {"added": {"n": 1}, "data": shown["data"] | {"added_later": ["新"]}}
    jsonschema.Draft202012Validator(schema(action)).validate(added)

    event = CaseEvent.model_validate(shown)
    subject = event_subject(event.name, event.data.case_id, event.data.seq)
    body = json.dumps(added, ensure_ascii=False)
    assert read_event(subject, body.encode(), 7) == (event, body, 7)


@pytest.mark.parametrize("name", EventName)
def test_v1_only_adds(name: EventName) -> None:
    """What `tests/unit/docs/events_v1.json` has is there, of the same type, and as obligatory."""
    promised = json.loads(V1.read_text(encoding="utf-8"))[name]
    now = promise(json.loads((DOCS / "schemas" / f"{name}.json").read_text(encoding="utf-8")))
    assert {field: now.get(field) for field in promised} == promised


def promise(found: dict[str, Any]) -> dict[str, list[Any]]:
    """Return each field of an event: what it may hold, and whether it is always there."""
    parts = {"": found, "data.": found["$defs"]["CaseEventData"]}
    return {
        prefix + field: [
            {key: value for key, value in shape.items() if key not in ("title", "description")},
            field in part["required"],
        ]
        for prefix, part in parts.items()
        for field, shape in part["properties"].items()
    }


def test_the_page_opens_with_a_request_whose_signature_is_true() -> None:
    text = pages()["events.md"]
    shown = re.search(r"```http\nPOST \S+ HTTP/1.1\n(.*?)\n\n(\{.*\})\n```", text, re.DOTALL)
    secret = re.search(r"secret `(whsec_\S+)`", text)
    assert shown is not None
    assert secret is not None
    headers, body = Parser().parsestr(shown[1]), shown[2]
    assert headers["content-length"] == str(len(body.encode()))
    assert headers["webhook-id"] == json.loads(body)["id"]
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert headers["webhook-signature"] == Webhook(secret[1]).sign(headers["webhook-id"], at, body)
    assert headers["webhook-signature"] != Webhook(secret[1]).sign("another", at, body)
    assert text.index("```http") < text.index("## The stream") < text.index("## Types")


def test_the_page_names_what_the_server_keeps() -> None:
    text = pages()["events.md"]
    for name in (EVENTS, ADVISORIES, *Durable, TEST_TYPE):
        assert f"`{name}`" in text
    assert "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h" in text


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """Each `$ref` inside names a place of the document, each other one a schema beside it."""
    page = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    found = list(references(page))
    for each in found:
        if each.startswith("#/"):
            place = page
            for step in each[2:].split("/"):
                place = place[step]
        else:
            assert (DOCS / each).is_file(), each
    assert len(found) == 5 * len(Action) + 2


def test_the_channel_is_where_events_are_published() -> None:
    address = yaml.safe_load(pages()["asyncapi.yaml"])["channels"]["events"]["address"]
    for name in EventName:
        subject = event_subject(name, "case_1", 7)
        assert address.format(event=name, case_id="case_1", seq=7) == subject


def references(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from references(value)
