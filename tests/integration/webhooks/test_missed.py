"""A replay since a time brings what an endpoint missed while it was off, or not there yet."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.events import CaseEvent
from models.cases.states import State
from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import EndpointStatus
from services.clock import now
from services.webhooks import endpoints
from services.webhooks.deliveries import webhook_log
from services.webhooks.endpoints import NewEndpoint
from services.webhooks.pausing import resume
from services.webhooks.queue import Room, WebhookQueue
from services.webhooks.replays import replay_since
from tests.factories import OPENS, SEASON, commit, make_case, open_season
from tests.integration.audit.stores import tamper
from workers.webhook.handler import WebhookHandler

FUJIAN = Actor(role=Role.BODY, id="fujian")
URL = "https://receiver.example.invalid/hook"


def fan_out_case(engine: Engine, case_id: str) -> list[str]:
    """Let the consumer have every event of a case; return their bodies."""
    outbox = tables.outbox.c
    with reading(engine) as connection:
        mine = select(outbox.body).where(outbox.case_id == case_id).order_by(outbox.seq)
        bodies = list(connection.scalars(mine))
    for body in bodies:
        event = CaseEvent.model_validate_json(body)
        WebhookHandler(engine).apply([IncomingEvent(event, body, event.data.seq)])
    return bodies


def waiting(engine: Engine, endpoint: str) -> list[str]:
    return [item.event_id for item in webhook_log(engine, endpoint)][::-1]


@pytest.fixture
def off(engine: Engine, season: str) -> str:
    """An endpoint of Fujian's that is switched off."""
    added = endpoints.add_endpoint(engine, NewEndpoint(season, FUJIAN, URL), OPENS).id
    with transaction(engine) as connection:
        connection.execute(update(tables.webhook_endpoint).values(status=EndpointStatus.DISABLED))
    return added


def test_what_was_changed_in_the_outbox_since_is_sent_to_nobody(engine: Engine, off: str) -> None:
    case_id = make_case(engine, state=State.RECOMMENDATION)
    fan_out_case(engine, case_id)
    change = "UPDATE outbox SET body = replace(body, 'fujian', 'hunan') WHERE seq = 1"
    tamper(engine, change)
    resume(engine, off, now())

    assert replay_since(engine, off, OPENS - timedelta(days=1), now()) == 1
    assert waiting(engine, off) == [f"{case_id}:2"]


def test_what_happened_while_it_was_off_comes_once_and_in_order(engine: Engine, off: str) -> None:
    case_id = make_case(engine, state=State.RECOMMENDATION)
    bodies = fan_out_case(engine, case_id)
    assert waiting(engine, off) == []
    resume(engine, off, now())

    assert replay_since(engine, off, OPENS - timedelta(days=1), now()) == 2
    assert waiting(engine, off) == [f"{case_id}:1", f"{case_id}:2"]
    with reading(engine) as connection:
        delivery = tables.webhook_delivery.c
        assert list(connection.scalars(select(delivery.body).order_by(delivery.seq))) == bodies
    assert replay_since(engine, off, OPENS - timedelta(days=1), now()) == 0  # they wait


def test_what_the_consumer_has_not_had_comes_by_itself(engine: Engine, off: str) -> None:
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    fan_out_case(engine, case_id)
    commit(engine, case_id, Action.ACCEPT)
    resume(engine, off, now())
    assert replay_since(engine, off, OPENS - timedelta(days=1), now()) == 1
    fan_out_case(engine, case_id)
    assert waiting(engine, off) == [f"{case_id}:1", f"{case_id}:2"]


def test_it_is_what_the_endpoint_may_and_wants_to_hear_of(engine: Engine, off: str) -> None:
    open_season(engine, season="2023")
    mine = make_case(engine, state=State.RECOMMENDATION)
    others = make_case(engine, state=State.RECOMMENDATION, location="浙江省")
    for case_id in (mine, others):
        fan_out_case(engine, case_id)
    endpoints.edit_endpoint(engine, off, endpoints.EndpointChanges(events=("accepted",)))
    since = OPENS - timedelta(days=1)
    assert replay_since(engine, off, since, now()) == 1
    assert waiting(engine, off) == [f"{mine}:2"]

    organiser = Actor(role=Role.ORGANISER, id="organiser")
    late = endpoints.add_endpoint(engine, NewEndpoint(SEASON, organiser, URL), now()).id
    assert replay_since(engine, late, now() + timedelta(days=1), now()) == 0
    assert replay_since(engine, late, since, now()) == 4
    elsewhere = endpoints.add_endpoint(engine, NewEndpoint("2023", organiser, URL), now()).id
    assert replay_since(engine, elsewhere, since, now()) == 0


@pytest.mark.parametrize(("days", "is_due"), [(-1, True), (1, False), (10, True)])
@pytest.mark.parametrize("kind", ["message", "endpoint"])
def test_what_a_wrong_clock_put_off_is_sent(
    engine: Engine, season: str, kind: str, days: int, is_due: bool
) -> None:
    endpoint = endpoints.add_endpoint(engine, NewEndpoint(season, FUJIAN, URL), OPENS).id
    fan_out_case(engine, make_case(engine, state=State.PROVINCE_REVIEW))
    at = OPENS + timedelta(days=days)
    with transaction(engine) as connection:
        connection.execute(
            update(tables.webhook_delivery).values(
                next_attempt_at=at if kind == "message" else OPENS
            )
        )
        if kind == "endpoint":
            connection.execute(update(tables.webhook_endpoint).values(not_before=at))

    queue = WebhookQueue(engine, WebhookRetries(), clock=lambda: OPENS)
    found = [(each.id, len(each.messages)) for each in queue.due(lambda _: Room(16))]
    assert found == ([(endpoint, 1)] if is_due else [])
