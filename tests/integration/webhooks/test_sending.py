"""Webhooks from the stream to receivers that verify them: real NATS, real HTTP, both databases."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, select, update
from standardwebhooks import Webhook, WebhookVerificationError

from models import tables
from models.cases.actors import Actor, Role
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.stream.names import event_subject
from services.clock import now
from services.notifications.inbox import inbox
from services.webhooks.deliveries import webhook_log
from services.webhooks.endpoints import NewEndpoint, add_endpoint, show_endpoint
from services.webhooks.pausing import pause, resume
from services.webhooks.replays import replay_one, replay_since
from services.webhooks.secrets import rotate_secret
from services.webhooks.test_event import send_test
from tests.factories import SEASON
from tests.integration.webhooks.sending import (
    STEPS,
    an_event,
    done,
    fan_out_events,
    sending,
    statuses,
)
from tests.receivers import INSIDE, OK, ORGANISER, QUICK, Receiver, subscribe
from tests.waiting import until
from workers.webhook.post import sign
from workers.webhook.run import run


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as found:
        yield found


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
async def test_after_ten_attempts_a_message_is_set_aside_and_the_next_goes(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.answer = lambda event, _times: (500, {}) if event.endswith(":1") else OK
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1), an_event("case_1", 2))
    async with sending(engine):
        await until(lambda: sorted(statuses(engine, endpoint)) == ["delivered", "failed"])
    (failed,) = webhook_log(engine, endpoint, status="failed")
    assert (failed.attempts, failed.error) == (10, "answered 500")
    assert receiver.ids == ["case_1:2"]


@pytest.mark.usefixtures("season")
async def test_retry_after_is_honoured(engine: Engine, receiver: Receiver) -> None:
    receiver.answer = lambda _id, times: (429, {"Retry-After": "1"}) if times == 1 else OK
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(done(engine, endpoint, 1))
    stamps = [int(headers["webhook-timestamp"]) for headers, _ in receiver.requests]
    assert stamps[1] - stamps[0] >= 1


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("status", [429, 503])
async def test_an_endpoint_that_asks_to_be_left_alone_gets_nothing_of_other_cases(
    engine: Engine, receiver: Receiver, status: int
) -> None:
    receiver.answer = lambda event, times: (
        (status, {"Retry-After": "3600"}) if (event, times) == ("case_1:1", 1) else OK
    )
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(lambda: show_endpoint(engine, endpoint).not_before is not None)
        fan_out_events(engine, *(an_event(f"case_{n}", 1) for n in (2, 3)))
        async with Receiver() as other:
            subscribe(engine, other)
            fan_out_events(engine, an_event("case_4", 1))
            await until(lambda: other.ids == ["case_4:1"])  # nobody else waits for it
        assert len(receiver.requests) == 1
        resume(engine, endpoint, now())
        await until(done(engine, endpoint, 4))
    assert sorted(receiver.ids) == [f"case_{n}:1" for n in (1, 2, 3, 4)]


@pytest.mark.usefixtures("season")
async def test_a_retry_after_with_another_answer_is_of_that_message_alone(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.answer = lambda event, _times: (
        (422, {"Retry-After": "3600"}) if event == "case_1:1" else OK
    )
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(lambda: len(receiver.requests) == 1)
        fan_out_events(engine, an_event("case_2", 1))
        await until(lambda: receiver.ids == ["case_2:1"])
    assert show_endpoint(engine, endpoint).not_before is None


@pytest.mark.usefixtures("season")
async def test_a_redirect_is_a_failure_and_is_not_followed(
    engine: Engine, receiver: Receiver
) -> None:
    async with Receiver() as elsewhere:
        receiver.answer = lambda _id, _times: (307, {"Location": elsewhere.url})
        endpoint = subscribe(engine, receiver)
        fan_out_events(engine, an_event("case_1", 1))
        async with sending(engine):
            await until(lambda: statuses(engine, endpoint) == ["failed"])
        assert elsewhere.requests == []


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("how", ["gone", "days"])
async def test_an_endpoint_is_disabled_and_its_owner_is_told(
    engine: Engine, receiver: Receiver, how: str
) -> None:
    receiver.answer = lambda _id, _times: (410 if how == "gone" else 500, {})
    endpoint = subscribe(engine, receiver, Actor(role=Role.BODY, id="fujian"))
    if how == "days":
        with transaction(engine) as connection:
            since = now() - timedelta(days=5, seconds=1)
            connection.execute(update(tables.webhook_endpoint).values(failing_since=since))
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(lambda: show_endpoint(engine, endpoint).status == "disabled")
    (message,) = inbox(engine, f"{SEASON}-fujian")
    assert (message.event, message.case_id) == ("webhook_disabled", None)
    assert endpoint in message.text
    # What is put up meanwhile is not for it; what waited goes out once it is back.
    fan_out_events(engine, an_event("case_1", 2))
    assert statuses(engine, endpoint) == ["waiting"]
    receiver.answer = lambda _id, _times: OK
    resume(engine, endpoint, now())
    async with sending(engine):
        await until(done(engine, endpoint, 1))


@pytest.mark.usefixtures("season")
async def test_a_paused_endpoint_loses_nothing(engine: Engine, receiver: Receiver) -> None:
    endpoint = subscribe(engine, receiver)
    pause(engine, endpoint)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine), Receiver() as other:
        subscribe(engine, other)
        for n in (2, 3):  # whatever may go out has gone before these
            fan_out_events(engine, an_event(f"case_{n}", 1))
            await until(other.took(f"case_{n}:1"))
        assert receiver.requests == []
        resume(engine, endpoint, now())
        await until(done(engine, endpoint, 3))


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


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "ftp://example.invalid/"}, "bad_url"),
        ({"url": "https://user@example.invalid/"}, "bad_url"),
        ({"url": "https://:secret@example.invalid/"}, "bad_url"),
        ({"url": "https:///path"}, "bad_url"),
        ({"description": "two\nlines"}, "bad_description"),
        ({"description": "\x1b[2J"}, "bad_description"),
        ({"description": "长" * 201}, "bad_description"),
        ({"url": "https://example.invalid:99999/"}, "bad_url"),
        ({"url": "https://example.invalid/a b"}, "bad_url"),
        ({"events": ("arrived",)}, "unknown_event"),
        ({"rate": 0}, "bad_rate"),
        ({"season_id": "nope"}, "unknown_season"),
        ({"owner": Actor(role=Role.BODY, id="nope")}, "unknown_org"),
        ({"owner": Actor(role=Role.PANEL, id="p")}, "role_not_allowed"),
    ],
)
def test_nonsense_is_refused(
    engine: Engine, season: str, changes: dict[str, object], code: str
) -> None:
    given = {"season_id": season, "owner": ORGANISER, "url": "https://example.invalid/hook"}
    with pytest.raises(Refused) as refused:
        add_endpoint(engine, NewEndpoint(**{**given, **changes}), now())  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_signature_is_what_the_standard_says() -> None:
    """The control for library and code alike: HMAC-SHA256 over `id.timestamp.body`."""
    key, at = b"k" * 32, datetime(2024, 5, 10, 3, 2, 1, tzinfo=UTC)
    headers = dict(sign("case_1:1", "{}", ["whsec_" + base64.b64encode(key).decode()], at))
    expected = hmac.new(key, f"case_1:1.{int(at.timestamp())}.{{}}".encode(), hashlib.sha256)
    assert headers[b"webhook-signature"].decode() == (
        "v1," + base64.b64encode(expected.digest()).decode()
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database_urls", "cases"),
    [("sqlite", 1000), pytest.param("postgres", 150, marks=pytest.mark.postgres)],
    indirect=["database_urls"],
)
@pytest.mark.usefixtures("season")
async def test_many_cases_to_five_endpoints_nothing_missing_nothing_twice_order_kept(
    engine: Engine, js: JetStreamContext, cases: int
) -> None:
    """A thousand where one writer at a time is the harder case, and fewer on PostgreSQL."""
    names = ("verifying", "slow", "dead", "flapping", "body")
    receivers = {name: Receiver() for name in names}
    for name, each in receivers.items():
        owner = Actor(role=Role.BODY, id="fujian") if name == "body" else ORGANISER
        subscribe(engine, each, owner)
        if name != "dead":
            await each.start()
    receivers["slow"].delay = 0.03
    receivers["flapping"].answer = lambda event, times: (
        (503, {}) if times == 1 and hash(event) % 4 == 0 else OK
    )
    stop = asyncio.Event()
    worker = asyncio.create_task(run(js, engine, INSIDE, stop, QUICK))
    for seq in range(1, len(STEPS) + 1):
        events = [an_event(f"case_{n}", seq) for n in range(cases)]
        for start in range(0, cases, 100):
            await asyncio.gather(*(
                js.publish(event_subject(e.name, e.data.case_id, seq), e.to_json().encode(), 30)
                for e in events[start : start + 100]
            ))  # fmt: skip
    total = cases * len(STEPS)
    alive = [each for name, each in receivers.items() if name != "dead"]
    await until(lambda: all(len(each.ids) >= total for each in alive), within=400)
    assert receivers["dead"].requests == []  # and yet nobody waited for it
    await receivers["dead"].start()
    await until(lambda: len(receivers["dead"].ids) >= total, within=400)
    stop.set()
    await worker
    for name, each in receivers.items():
        assert len(each.ids) == len(set(each.ids)) == total, name
        order: dict[str, list[int]] = {}
        for case_id, seq in each.places:
            order.setdefault(case_id, []).append(seq)
        assert set(map(tuple, order.values())) == {tuple(range(1, len(STEPS) + 1))}, name
        await each.stop()
    waiting = select(tables.webhook_endpoint.c.status).distinct()
    with reading(engine) as connection:
        assert list(connection.scalars(waiting)) == ["active"]
