"""Webhooks reach receivers that verify them, in order and once: real HTTP, both databases."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from standardwebhooks import Webhook, WebhookVerificationError

from models.cases.actors import Actor, Role
from services.clock import now
from services.webhooks.deliveries import webhook_log
from services.webhooks.replays import replay_one, replay_since
from services.webhooks.secrets import rotate_secret
from services.webhooks.test_event import send_test
from tests.integration.webhooks.sending import (
    an_event,
    done,
    fan_out_events,
    sending,
)
from tests.receivers import OK, Receiver, subscribe
from tests.waiting import until
from workers.webhook.post import sign


@pytest.mark.usefixtures("season")
async def test_an_event_reaches_an_endpoint_signed_with_its_bytes_as_published(
    engine: Engine, receiver: Receiver
) -> None:
    endpoint = subscribe(engine, receiver)
    event = an_event("case_1", 1)
    fan_out_events(engine, event, event)  # the second time does nothing
    async with sending(engine):
        await until(done(engine, endpoint, 1))
    ((headers, body),) = receiver.requests
    assert (headers["webhook-id"], body.decode()) == ("case_1:1", event.to_json())
    (item,) = webhook_log(engine, endpoint)
    assert (item.status_code, item.attempts, item.error) == (204, 1, None)
    assert item.latency_ms is not None
    with pytest.raises(WebhookVerificationError):  # the control: another's secret does not do
        Webhook("whsec_" + base64.b64encode(b"x" * 32).decode()).verify(body, headers)


@pytest.mark.usefixtures("season")
async def test_while_a_secret_is_rotated_both_sign(engine: Engine, receiver: Receiver) -> None:
    endpoint = subscribe(engine, receiver)
    old = receiver.secret
    new = rotate_secret(engine, endpoint, now()).secret
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(done(engine, endpoint, 1))
        ((headers, body),) = receiver.requests
        assert len(headers["webhook-signature"].split()) == 2
        for secret in (old, new):
            Webhook(secret).verify(body, headers)
        rotate_secret(engine, endpoint, now(), timedelta(0))
        receiver.secret = rotate_secret(engine, endpoint, now(), timedelta(0)).secret
        fan_out_events(engine, an_event("case_1", 2))
        await until(done(engine, endpoint, 2))
    assert len(receiver.requests[-1][0]["webhook-signature"].split()) == 1


@pytest.mark.usefixtures("season")
async def test_each_organisation_hears_of_its_own_cases_and_of_the_events_it_wants(
    engine: Engine, receiver: Receiver
) -> None:
    hears = subscribe(engine, receiver, Actor(role=Role.BODY, id="fujian"), events=("accepted",))
    fan_out_events(engine, *(an_event("case_1", seq) for seq in (1, 2, 3, 4)))
    fan_out_events(engine, *(an_event("case_2", seq, body="hunan") for seq in (1, 2, 3, 4)))
    async with sending(engine):
        await until(done(engine, hears, 1))
    assert receiver.ids == ["case_1:4"]


@pytest.mark.usefixtures("season")
async def test_of_each_case_the_order_holds_whatever_fails_in_between(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.answer = lambda event, times: (500, {}) if times < 3 and event.endswith("2") else OK
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, *(an_event(f"case_{n}", seq) for n in range(5) for seq in (1, 2, 3)))
    async with sending(engine):
        await until(done(engine, endpoint, 15))
    for n in range(5):
        assert [seq for case, seq in receiver.places if case == f"case_{n}"] == [1, 2, 3]
    assert len(receiver.ids) == len(set(receiver.ids)) == 15


@pytest.mark.usefixtures("season")
async def test_replays_carry_the_same_id_and_bytes(engine: Engine, receiver: Receiver) -> None:
    since, endpoint = now(), subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1), an_event("case_1", 2))
    async with sending(engine):
        await until(done(engine, endpoint, 2))
        first = [item.id for item in webhook_log(engine, endpoint) if item.event_id == "case_1:1"]
        replay_one(engine, first[0], now())
        await until(done(engine, endpoint, 3))
        assert replay_since(engine, endpoint, since, now()) == 2
        await until(done(engine, endpoint, 5))
    assert receiver.ids[2] == "case_1:1"
    assert sorted(receiver.ids[3:]) == ["case_1:1", "case_1:2"]
    bodies = {(headers["webhook-id"], body) for headers, body in receiver.requests}
    assert len(bodies) == 2


@pytest.mark.usefixtures("season")
async def test_a_test_event_says_that_it_is_one(engine: Engine, receiver: Receiver) -> None:
    endpoint = subscribe(engine, receiver)
    send_test(engine, endpoint, now())
    async with sending(engine):
        await until(done(engine, endpoint, 1))
    assert json.loads(receiver.requests[0][1])["type"] == "org.tuixuan.webhook.test"


@pytest.mark.usefixtures("season")
async def test_a_rate_is_kept(engine: Engine, receiver: Receiver) -> None:
    endpoint = subscribe(engine, receiver, rate=10)
    fan_out_events(engine, *(an_event(f"case_{n}", 1) for n in range(6)))
    started = asyncio.get_running_loop().time()
    async with sending(engine):
        await until(done(engine, endpoint, 6))
    assert asyncio.get_running_loop().time() - started >= 0.5


def test_a_signature_is_what_the_standard_says() -> None:
    """The control for library and code alike: HMAC-SHA256 over `id.timestamp.body`."""
    key, at = b"k" * 32, datetime(2024, 5, 10, 3, 2, 1, tzinfo=UTC)
    headers = dict(sign("case_1:1", "{}", ["whsec_" + base64.b64encode(key).decode()], at))
    expected = hmac.new(key, f"case_1:1.{int(at.timestamp())}.{{}}".encode(), hashlib.sha256)
    assert headers[b"webhook-signature"].decode() == (
        "v1," + base64.b64encode(expected.digest()).decode()
    )
