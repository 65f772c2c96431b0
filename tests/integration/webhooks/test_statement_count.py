"""What events cost in SQL, however many they are and however many endpoints want them."""

import pytest
from sqlalchemy import Engine

from models import tables
from services.clock import now
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.integration.notifications.notified import count
from tests.integration.webhooks.sending import an_event
from tests.receivers import ORGANISER
from tests.statements import counted
from tests.streams import incoming
from workers.webhook.handler import WebhookHandler


@pytest.mark.parametrize(("endpoints", "cases"), [(1, 1), (5, 1), (5, 12)])
def test_events_take_four_statements(
    engine: Engine, season: str, endpoints: int, cases: int
) -> None:
    """Cursors locked and moved, endpoints, messages."""
    for _ in range(endpoints):
        add_endpoint(engine, NewEndpoint(season, ORGANISER, "https://h.example.invalid/"), now())
    names = [f"case_{number}" for number in range(cases)]
    events = [incoming(an_event(case_id, seq).to_json()) for case_id in names for seq in (1, 2)]
    with counted(engine) as statements:
        assert WebhookHandler(engine).apply(events) == []
    assert [each.split()[0] for each in statements] == ["INSERT", "UPDATE", "SELECT", "INSERT"]
    assert count(engine, tables.webhook_delivery) == 2 * cases * endpoints


def test_an_event_that_was_fanned_out_takes_one(engine: Engine, season: str) -> None:
    del season
    handler, event = WebhookHandler(engine), an_event("case_1", 1)
    handler.apply([incoming(event.to_json(), 1)])
    with counted(engine) as statements:
        handler.apply([incoming(event.to_json(), 1)])
    assert len(statements) == 1
