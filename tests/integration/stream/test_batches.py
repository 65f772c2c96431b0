"""A fetch is one transaction of effects; one bad message among many takes none along."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.cases.states import State
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.stream.dead_letters import list_dead_letters
from tests.factories import make_case
from tests.integration.stream.notebooks import (
    PATIENT,
    Notebook,
    all_acknowledged,
    consuming,
    ids,
    publish,
    short_wait,
)
from tests.streams import OutboxRow, outbox
from tests.waiting import until
from workers.stream.handing_over import InOrder
from workers.stream.relay import Relay


class Counting(Notebook):
    """Notes how many events each transaction was for."""

    def __init__(self, engine: Engine, name: Durable = Durable.AUDIT) -> None:
        super().__init__(engine, name)
        self.sizes: list[int] = []

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        self.sizes.append(len(events))
        return super().apply(events)


class Breaks(Counting):
    """Cannot do the second event of a case."""

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        early = super().apply(events[:0]) if _second(events) else super().apply(events)
        if _second(events):
            raise KeyError(events[0].event.id)
        return early


class DiesOnce(Counting):
    """Its process dies after the first batch was committed and before anything was answered."""

    died = False

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        early = super().apply(events)
        if not self.died:
            self.died = True
            raise asyncio.CancelledError
        return early


def _second(events: Sequence[IncomingEvent]) -> bool:
    return any(each.event.data.seq == 2 for each in events)


async def _some(engine: Engine, js: JetStreamContext, cases: int = 4) -> list[OutboxRow]:
    for _ in range(cases):
        make_case(engine, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    return outbox(engine)


@pytest.mark.usefixtures("season")
async def test_a_fetch_is_one_transaction_one_round_of_answers_and_one_line(
    engine: Engine, js: JetStreamContext
) -> None:
    rows = await _some(engine, js)
    counting = Counting(engine)
    with capture_logs() as logs:
        async with consuming(js, InOrder(counting, engine), engine):
            await until(lambda: len(counting.lines()) == len(rows))
            await until(lambda: all_acknowledged(js))
    assert sorted(counting.events()) == sorted(ids(rows))
    assert len(counting.sizes) < len(rows)
    told = [line for line in logs if line["event"] == "events_handled"]
    assert sum(line["events"] for line in told) == sum(size for size in counting.sizes if size > 1)
    assert {line["log_level"] for line in told} <= {"info"}
    each = [line for line in logs if line["event"] == "event_handled"]
    assert sorted(line["stream_seq"] for line in each) == list(range(1, len(rows) + 1))


@pytest.mark.usefixtures("season")
async def test_a_batch_that_died_after_its_commit_is_not_done_again(
    engine: Engine, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, Durable.AUDIT)
    rows = await _some(engine, js)
    dies = DiesOnce(engine)
    with pytest.raises(asyncio.CancelledError):
        async with consuming(js, InOrder(dies, engine), engine) as task:
            await task
    assert len(dies.lines()) == sum(dies.sizes) > 1
    assert not await all_acknowledged(js)
    counting = Counting(engine)
    async with consuming(js, InOrder(counting, engine), engine):
        await until(lambda: all_acknowledged(js))
    assert sorted(counting.events()) == sorted(ids(rows))
    assert set(counting.sizes) == {1}  # what once took a process along is tried alone


@pytest.mark.usefixtures("season")
async def test_one_event_that_cannot_be_handled_takes_no_other_case_along(
    engine: Engine, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, Durable.NOTIFY, max_deliver=2)
    rows = await _some(engine, js, cases=2)
    make_case(engine, state=State.PROVINCE_REVIEW)
    untroubled = outbox(engine)[-1]
    await Relay(engine, js).drain()
    breaks = Breaks(engine, Durable.NOTIFY)
    with capture_logs() as logs:
        async with consuming(js, InOrder(breaks, engine), engine, PATIENT):
            await until(lambda: len(list_dead_letters(engine)) == 2)
            await until(lambda: len(breaks.lines()) == 3)
    firsts = [row for row in rows if row.seq == 1]
    assert sorted(breaks.events()) == sorted(ids([*firsts, untroubled]))
    assert {letter.event_id for letter in list_dead_letters(engine)} == {
        each for each in ids(rows) if each.endswith(":2")
    }
    assert "batch_failed" in {line["event"] for line in logs}


@pytest.mark.usefixtures("season")
async def test_what_a_stranger_sent_amid_others_is_set_aside_alone(
    engine: Engine, js: JetStreamContext
) -> None:
    make_case(engine, state=State.RECOMMENDATION)
    await Relay(engine, js).drain()
    make_case(engine, state=State.FORMAL_CHECK)
    forged, *_ = outbox(engine)[-3:]
    said = json.loads(forged.body)
    said["data"]["title"] = "（示例）另一件"
    await js.publish(forged.subject, json.dumps(said, ensure_ascii=False).encode())
    await js.publish("tuixuan.v1.case.submitted.case_x.1", b"{}")
    await publish(js, *outbox(engine)[-2:])
    counting = Counting(engine)
    async with consuming(js, InOrder(counting, engine), engine):
        await until(lambda: len(list_dead_letters(engine)) == 2)
        await until(lambda: len(counting.lines()) == 5)
    assert sorted(counting.events()) == sorted(ids(outbox(engine)))


@pytest.mark.usefixtures("season")
async def test_answers_that_are_lost_come_again_and_are_not_done_again(
    sqlite_engine: Engine, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, Durable.AUDIT)
    acknowledge, lost = Msg.ack_sync, {1, 2, 5}

    async def lose_some(message: Msg, timeout: float = 1) -> Msg:  # noqa: ASYNC109 - as in nats.py
        if (place := message.metadata.sequence.stream) in lost:
            lost.discard(place)
            raise NatsTimeoutError
        return await acknowledge(message, timeout)

    monkeypatch.setattr(Msg, "ack_sync", lose_some)
    rows = await _some(sqlite_engine, js)
    counting = Counting(sqlite_engine)
    with capture_logs() as logs:
        async with consuming(js, InOrder(counting, sqlite_engine), sqlite_engine):
            await until(lambda: all_acknowledged(js))
    assert sorted(counting.events()) == sorted(ids(rows))
    assert sum(line["event"] == "answer_lost" for line in logs) == 3
