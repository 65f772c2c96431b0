"""Dead letters from a running consumer: listed with their reason, retried, or discarded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine

from cli.commands.dead_letter.consumers import consumers
from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from models.stream.incoming import IncomingEvent
from models.stream.names import ADVISORIES, EVENTS, Durable
from services.clock import now
from services.notifications.inbox import inbox
from services.stream.advisories import record_advisories
from services.stream.dead_letter_retry import retry
from services.stream.dead_letters import (
    DeadLetterView,
    discard,
    list_dead_letters,
)
from services.webhooks.deliveries import webhook_log
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.factories import commit, make_case
from tests.integration.stream.notebooks import advisories
from tests.receivers import ORGANISER
from tests.servers import Nats
from tests.slack import slack, stretch
from tests.streams import incoming, outbox
from tests.waiting import until
from workers.notify.handler import NotifyHandler
from workers.stream.consumer import Consumer
from workers.stream.handing_over import AsTheyCome, InOrder
from workers.stream.jetstream import CONSUMERS, Redelivery, ensure_consumer
from workers.stream.pace import ConsumerPace
from workers.stream.relay import Relay
from workers.webhook.handler import WebhookHandler

QUICK = ConsumerPace(fetch=0.1, redeliver=0.02, gap=0.2, backoff=0.1)


PHONE = "13800000000"


FUJIAN = "2024-fujian"


class Breaks(NotifyHandler):
    """Cannot do the first event of a case."""

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        if any(each.event.data.seq == 1 for each in events):
            raise KeyError(f"template of {PHONE}")
        return super().apply(events)


@pytest.fixture
def two_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONSUMERS, Durable.NOTIFY, Redelivery(ack_wait=0.3, max_deliver=2))


@contextlib.asynccontextmanager
async def consuming(
    js: JetStreamContext, handler: NotifyHandler, engine: Engine
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(Consumer(js, AsTheyCome(handler), engine, stop, QUICK).run())
    yield
    stop.set()
    await task


async def dead(engine: Engine, js: JetStreamContext, count: int) -> list[DeadLetterView]:
    async def there() -> bool:
        await record_advisories(engine, js)
        return len(list_dead_letters(engine)) == count

    await until(there)
    return list_dead_letters(engine)


@pytest.mark.usefixtures("season", "two_attempts")
async def test_an_event_that_was_given_up_is_told_once_more_and_leaves_the_list(
    engine: Engine, js: JetStreamContext
) -> None:
    case_id = make_case(engine, state=State.RECOMMENDATION)
    await Relay(engine, js).drain()
    async with consuming(js, Breaks(engine), engine):
        await until(lambda: len(list_dead_letters(engine)) == 1)
    told_before = [item.event for item in inbox(engine, FUJIAN)]
    [letter] = list_dead_letters(engine)
    assert (letter.consumer, letter.event_id) == ("notify", f"{case_id}:1")
    assert (letter.stream_seq, letter.deliveries, letter.case_id) == (1, 2, case_id)
    assert "KeyError" in letter.why
    assert PHONE not in letter.why

    breaks = Breaks(engine)

    def again(_subject: str, data: bytes, place: int) -> None:
        body = data.decode()
        breaks.apply([incoming(body, place)])

    with pytest.raises(Refused, match="event_failed"):
        await retry(engine, letter.id, {"notify": again}, js, "me")
    with pytest.raises(Refused, match="unknown_consumer"):
        await retry(engine, letter.id, {}, js, "me")
    assert list_dead_letters(engine) == [letter]

    done = await retry(engine, letter.id, consumers(engine), js, "me")
    assert (done.status, done.resolved_by) == ("retried", "me")
    assert list_dead_letters(engine) == []
    assert list_dead_letters(engine, None) == [done]
    told = [item.event for item in inbox(engine, FUJIAN)]
    assert sorted(told) == sorted([*told_before, "submitted"])
    with pytest.raises(Refused, match="dead_letter_settled"):
        await retry(engine, letter.id, consumers(engine), js, "me")
    await record_advisories(engine, js)  # the server's own word of it is older
    assert list_dead_letters(engine) == []


@pytest.mark.usefixtures("season", "two_attempts")
async def test_an_event_on_which_a_consumer_died_each_time_is_kept_too(
    sqlite_engine: Engine, js: JetStreamContext, nats_server: Nats
) -> None:
    case_id = make_case(sqlite_engine, state=State.PROVINCE_REVIEW)
    await Relay(sqlite_engine, js).drain()
    await ensure_consumer(js, Durable.NOTIFY)
    subscription = await js.pull_subscribe_bind(durable=Durable.NOTIFY, stream=EVENTS)
    for _ in range(2):
        await subscription.fetch(1, timeout=slack(5))  # and no answer

    async def given_up() -> int:
        """Once somebody asks again, the server says so."""
        with contextlib.suppress(TimeoutError):
            await subscription.fetch(1, timeout=stretch(0.5))
        return await advisories(js)

    await until(given_up)
    [letter] = await dead(sqlite_engine, js, 1)
    assert letter.why.startswith("MAX_DELIVERIES")
    assert (letter.deliveries, letter.event_id) == (2, f"{case_id}:1")
    assert (await js.stream_info(ADVISORIES)).state.messages == 0

    nats_server.kill()
    nats_server.lose_store()
    await retry(sqlite_engine, letter.id, consumers(sqlite_engine), None, "me")
    assert list_dead_letters(sqlite_engine) == []
    assert [item.event for item in inbox(sqlite_engine, FUJIAN)] == ["submitted"]


@pytest.mark.usefixtures("season")
async def test_what_is_no_event_of_ours_stays_until_it_is_dropped_with_a_reason(
    sqlite_engine: Engine, js: JetStreamContext
) -> None:
    await js.publish("tuixuan.v1.case.submitted.case_x.1", b"\xff\xfe")
    async with consuming(js, NotifyHandler(sqlite_engine), sqlite_engine):
        [letter] = await dead(sqlite_engine, js, 1)
    assert letter.event_id == "case_x:1"
    with pytest.raises(Refused, match="unreadable_event"):
        await retry(sqlite_engine, letter.id, consumers(sqlite_engine), js, "me")
    with pytest.raises(Refused, match="event_gone"):
        await retry(sqlite_engine, letter.id, consumers(sqlite_engine), None, "me")
    with pytest.raises(Refused, match="reason_required"):
        discard(sqlite_engine, letter.id, "me", " ")
    assert [each.id for each in list_dead_letters(sqlite_engine)] == [letter.id]
    dropped = discard(sqlite_engine, letter.id, "me", "不是我们的")
    assert (dropped.status, dropped.note) == ("dropped", "不是我们的")
    with pytest.raises(Refused, match="dead_letter_settled"):
        await retry(sqlite_engine, letter.id, consumers(sqlite_engine), js, "me")
    assert list_dead_letters(sqlite_engine) == []
    assert outbox(sqlite_engine) == []


class TooLong(WebhookHandler):
    """Cannot put up the first event of a case, now and for ever."""

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        if any(each.event.data.seq == 1 for each in events):
            raise ValueError("too long")
        return super().apply(events)


@pytest.mark.usefixtures("season")
async def test_after_a_letter_was_dropped_the_later_events_of_its_case_go_on(
    engine: Engine, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONSUMERS, Durable.WEBHOOK, Redelivery(ack_wait=0.3, max_deliver=2))
    endpoint = add_endpoint(
        engine, NewEndpoint("2024", ORGANISER, "https://example.invalid/"), now()
    )
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    await Relay(engine, js).drain()
    handler, stop, at_once = TooLong(engine), asyncio.Event(), replace(QUICK, gap=0)
    in_order = InOrder(handler, engine, skip=handler.skip)
    task = asyncio.create_task(Consumer(js, in_order, engine, stop, at_once).run())
    await until(lambda: len(list_dead_letters(engine)) == 1)
    [letter] = list_dead_letters(engine)
    discard(engine, letter.id, "me", "（虚构）不再需要")
    commit(engine, case_id, Action.ACCEPT)
    await Relay(engine, js).drain()
    await until(lambda: handler.last_seq(case_id) == 2)
    stop.set()
    await task
    assert [item.event_id for item in webhook_log(engine, endpoint.id)] == [f"{case_id}:2"]
    assert list_dead_letters(engine) == []
