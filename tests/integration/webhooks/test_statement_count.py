"""What one event costs in SQL, however many endpoints want it."""

import pytest
from sqlalchemy import Engine

from services.clock import now
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.integration.webhooks.sending import an_event
from tests.receivers import ORGANISER
from tests.statements import counted
from workers.webhook.handler import WebhookHandler


@pytest.mark.parametrize("endpoints", [1, 5])
def test_an_event_takes_three_statements(engine: Engine, season: str, endpoints: int) -> None:
    """Cursor, endpoints, messages."""
    for _ in range(endpoints):
        add_endpoint(engine, NewEndpoint(season, ORGANISER, "https://h.example.invalid/"), now())
    handler, event = WebhookHandler(engine), an_event("case_1", 1)
    with counted(engine) as statements:
        handler.apply(event, event.to_json(), 1)
    assert [each.split()[0] for each in statements] == ["INSERT", "SELECT", "INSERT"]


def test_an_event_that_was_fanned_out_takes_one(engine: Engine, season: str) -> None:
    del season
    handler, event = WebhookHandler(engine), an_event("case_1", 1)
    handler.apply(event, event.to_json(), 1)
    with counted(engine) as statements:
        handler.apply(event, event.to_json(), 1)
    assert len(statements) == 1
