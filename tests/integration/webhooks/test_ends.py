"""An endpoint that is changed, counted, and ended for good, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from models.cases.actors import Actor, Role
from models.refusals import Refused
from models.store.engine import reading
from services.clock import now
from services.webhooks import endpoints
from services.webhooks.deliveries import attempts, show_delivery, webhook_log
from services.webhooks.endpoints import EndpointChanges, NewEndpoint
from services.webhooks.replays import replay_since
from services.webhooks.secrets import secrets_of
from services.webhooks.test_event import send_test
from services.webhooks.views import list_endpoints
from tests.factories import SEASON
from workers.health.metrics.registry import registry_of
from workers.processes import WorkerRole
from workers.settings.worker import WorkerSettings

FUJIAN, HUNAN = (Actor(role=Role.BODY, id=name) for name in ("fujian", "hunan"))
URL = "https://receiver.example.invalid/hook"


@pytest.fixture
def endpoint(engine: Engine, season: str) -> str:
    return endpoints.add_endpoint(engine, NewEndpoint(season, FUJIAN, URL), now()).id


def test_what_waits_is_counted_and_cancelled_with_the_endpoint(
    engine: Engine, endpoint: str
) -> None:
    delivery = send_test(engine, endpoint, now())
    (found,) = list_endpoints(engine, SEASON)
    assert (found.status, found.waiting, found.failed) == ("active", 1, 0)

    gone = endpoints.remove(engine, endpoint, now())

    assert (gone.status, gone.waiting, gone.removed_at is None) == ("removed", 0, False)
    item = show_delivery(engine, delivery)
    assert (item.status, item.next_attempt_at, attempts(engine, delivery)) == (
        "cancelled",
        None,
        [],
    )
    assert [each.id for each in webhook_log(engine, endpoint)] == [delivery]
    with reading(engine) as connection:
        assert secrets_of(connection, [endpoint], now()) == {}
    assert list_endpoints(engine, SEASON) == []
    assert [each.id for each in list_endpoints(engine, SEASON, removed=True)] == [endpoint]
    with pytest.raises(Refused, match="endpoint_removed"):
        replay_since(engine, endpoint, now() - timedelta(days=1), now())


def test_a_removed_endpoint_is_no_cause_for_alarm(
    engine: Engine, audit_engine: Engine, endpoint: str
) -> None:
    settings = WorkerSettings.load()

    def disabled() -> float | None:
        registry = registry_of(WorkerRole.WEBHOOK, settings, engine, audit_engine)
        return registry.get_sample_value("tuixuan_webhook_endpoints", {"status": "disabled"})

    endpoints.remove(engine, endpoint, now())
    assert disabled() == 0


def test_only_what_is_given_changes(engine: Engine, endpoint: str) -> None:
    before = endpoints.show_endpoint(engine, endpoint)
    changed = endpoints.edit_endpoint(
        engine, endpoint, EndpointChanges(events=("submitted",), rate=5)
    )
    assert changed == before.model_copy(update={"events": ["submitted"], "rate": 5})
    back = endpoints.edit_endpoint(engine, endpoint, EndpointChanges(events=(), rate=0))
    assert back == before
    for wrong, code in (
        (EndpointChanges(url="ftp://x"), "bad_url"),
        (EndpointChanges(events=("sent",)), "unknown_event"),
        (EndpointChanges(rate=1001), "bad_rate"),
    ):
        with pytest.raises(Refused, match=code):
            endpoints.edit_endpoint(engine, endpoint, wrong)


def test_an_endpoint_is_its_owners_and_of_operations_alone(engine: Engine, endpoint: str) -> None:
    delivery = send_test(engine, endpoint, now())
    for by in (None, FUJIAN):
        assert endpoints.show_endpoint(engine, endpoint, by).id == endpoint
        assert show_delivery(engine, delivery, by).id == delivery
        assert len(list_endpoints(engine, SEASON, by)) == 1
    for by in (HUNAN, Actor(role=Role.APPLICANT, id="fujian"), Actor(role=Role.ORGANISER, id="o")):
        with pytest.raises(Refused, match="unknown_endpoint"):
            endpoints.show_endpoint(engine, endpoint, by)
        with pytest.raises(Refused, match="unknown_delivery"):
            show_delivery(engine, delivery, by)
        assert list_endpoints(engine, SEASON, by) == []
