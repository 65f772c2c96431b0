"""The page and the schemas of the events are current, and the schemas bite."""

from collections.abc import Iterator

import jsonschema
import pytest
import yaml

from models.cases.actions.names import Action, EventName
from models.stream.names import event_subject
from scripts.docs import DOCS
from scripts.events_page import example, pages, schema


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
    assert not validator.is_valid(shown | {"phone": "1"})


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
