"""What a consumer gave up is listed with its reason, and told once more when asked."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine

from cli import stream
from cli.deadletterwork import consumers
from cli.main import run
from models.events import STREAM, CaseEvent
from models.lifecycle import State
from models.refusals import Refused
from services.dead_letters import DeadLetter, DeadLetters
from services.inbox import inbox
from tests.factories import make_case
from tests.streams import outbox, until
from workers.consumers import ConsumerPace, consume
from workers.nats_connection import CONSUMERS, DEAD, Delivering, ensure_consumer
from workers.notify.handler import NotifyHandler
from workers.relay import Relay
from workers.servers.ports import LOOPBACK, free_port

QUICK = ConsumerPace(fetch=0.1, redeliver=0.02, gap=0.2, backoff=0.1)
PHONE = "13800000000"
FUJIAN = "2024-fujian"


class Breaks(NotifyHandler):
    """Cannot do the first event of a case."""

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        if event.data.seq == 1:
            raise KeyError(f"template of {PHONE}")
        super().apply(event, body, stream_seq)


@pytest.fixture
def two_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONSUMERS, "notify", Delivering(ack_wait=0.3, max_deliver=2))


@contextlib.asynccontextmanager
async def consuming(
    js: JetStreamContext, handler: NotifyHandler, engine: Engine
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(consume(js, handler, engine, stop, ordered=False, pace=QUICK))
    yield
    stop.set()
    await task


async def dead(js: JetStreamContext, count: int) -> list[DeadLetter]:
    letters = DeadLetters(js, DEAD)

    async def there() -> bool:
        return len(await letters.list()) == count

    await until(there)
    return await letters.list()


@pytest.mark.usefixtures("season", "two_attempts")
async def test_an_event_that_was_given_up_is_told_once_more_and_leaves_the_list(
    engine: Engine, js: JetStreamContext
) -> None:
    case_id = make_case(engine, state=State.RECOMMENDATION)
    await Relay(engine, js).drain()
    async with consuming(js, Breaks(engine), engine):
        [letter] = await dead(js, 1)
    told_before = [item.event for item in inbox(engine, FUJIAN)]
    assert (letter.consumer, letter.event_id) == ("notify", f"{case_id}:1")
    assert (letter.stream_seq, letter.deliveries) == (1, 2)
    assert "KeyError" in letter.why
    assert PHONE not in letter.why

    letters = DeadLetters(js, DEAD)
    breaks = Breaks(engine)

    def again(_subject: str, data: bytes, place: int) -> None:
        body = data.decode()
        breaks.apply(CaseEvent.model_validate_json(body), body, place)

    with pytest.raises(Refused, match="event_failed"):
        await letters.retry(letter.id, {"notify": again})
    with pytest.raises(Refused, match="unknown_consumer"):
        await letters.retry(letter.id, {})
    assert await letters.list() == [letter]

    assert await letters.retry(letter.id, consumers(engine)) == letter
    assert await letters.list() == []
    told = [item.event for item in inbox(engine, FUJIAN)]
    assert sorted(told) == sorted([*told_before, "submitted"])
    with pytest.raises(Refused, match="unknown_dead_letter"):
        await letters.retry(letter.id, consumers(engine))


@pytest.mark.usefixtures("season", "two_attempts")
async def test_an_event_on_which_a_consumer_died_each_time_is_listed_too(
    sqlite_engine: Engine, js: JetStreamContext
) -> None:
    make_case(sqlite_engine, state=State.PROVINCE_REVIEW)
    await Relay(sqlite_engine, js).drain()
    await ensure_consumer(js, "notify")
    subscription = await js.pull_subscribe_bind(durable="notify", stream=STREAM)
    for _ in range(2):
        await subscription.fetch(1, timeout=5)  # and no answer
    with contextlib.suppress(TimeoutError):
        await subscription.fetch(1, timeout=1)
    [letter] = await dead(js, 1)
    assert letter.why.startswith("MAX_DELIVERIES")
    assert letter.deliveries == 2
    await DeadLetters(js, DEAD).retry(letter.id, consumers(sqlite_engine))
    assert await DeadLetters(js, DEAD).list() == []
    assert [item.event for item in inbox(sqlite_engine, FUJIAN)] == ["submitted"]


@pytest.mark.usefixtures("season")
async def test_what_is_no_event_of_ours_stays_on_the_list(
    sqlite_engine: Engine, js: JetStreamContext
) -> None:
    await js.publish("tuixuan.v1.case.submitted.case_x.1", b"\xff\xfe")
    async with consuming(js, NotifyHandler(sqlite_engine), sqlite_engine):
        [letter] = await dead(js, 1)
    assert letter.event_id == "case_x:1"
    retry = partial(DeadLetters(js, DEAD).retry, letter.id, consumers(sqlite_engine))
    with pytest.raises(Refused, match="unreadable_event"):
        await retry()
    assert await DeadLetters(js, DEAD).list() == [letter]
    assert outbox(sqlite_engine) == []


@pytest.mark.parametrize("name", ["0", "-1", "x", "1", "99999999999"])
async def test_an_unknown_letter_is_refused(js: JetStreamContext, name: str) -> None:
    with pytest.raises(Refused, match="unknown_dead_letter"):
        await DeadLetters(js, DEAD).retry(name, {})


def test_a_stream_that_is_away_is_said_soon(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.5)
    monkeypatch.setenv("NATS_URL", f"nats://{LOOPBACK}:{free_port()}")
    code = run(["dead-letter", "list", "--output", "json", "--state-dir", str(tmp_path)])
    said = capsys.readouterr()
    assert (code, json.loads(said.err)["code"], said.out) == (69, "nats_unavailable", "")
