"""Each event's effect is there once and in order, however it comes and whatever dies."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import Connection, Engine, insert, select, text, update
from structlog.testing import capture_logs

from models.cases.actions.names import Action
from models.cases.events import CaseEvent
from models.cases.states import State
from models.store.engine import reading, transaction
from models.stream.names import ADVISORIES, EVENTS
from models.tables import ConsumerCursor, table_of
from tests.factories import commit, make_case
from tests.servers import Nats
from tests.streams import OutboxRow, outbox, until
from workers.stream.connection import CONSUMERS, Delivering, ensure_consumer
from workers.stream.consumer import ConsumerPace, Handler, consume
from workers.stream.relay import Relay

QUICK = ConsumerPace(fetch=0.1, redeliver=0.02, gap=0.2, backoff=0.1)
PATIENT = ConsumerPace(fetch=0.1, redeliver=0.02, gap=60, backoff=0.1)
_CURSORS = table_of(ConsumerCursor)


class Notebook:
    """A handler whose effect is a line in a table: without a key, so that it would double."""

    def __init__(self, engine: Engine, name: str = "audit") -> None:
        self.name, self._engine = name, engine
        with transaction(engine) as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS line (event_id TEXT, place INT)"))

    def last_seq(self, case_id: str) -> int:
        with reading(self._engine) as connection:
            return self._cursor(connection, case_id)

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        assert CaseEvent.model_validate_json(body) == event
        case_id, seq = event.data.case_id, event.data.seq
        with transaction(self._engine) as connection:
            if seq <= self._cursor(connection, case_id):
                return
            line = {"id": event.id, "place": stream_seq}
            connection.execute(text("INSERT INTO line VALUES (:id, :place)"), line)
            place = {"consumer": self.name, "case_id": case_id}
            values = {"last_seq": seq, "at": datetime.now(UTC)}
            if seq == 1:
                connection.execute(insert(_CURSORS), {**place, **values})
                return
            moved = connection.execute(
                update(_CURSORS).filter_by(**place, last_seq=seq - 1).values(**values)
            )
            assert moved.rowcount == 1, "another was quicker"

    def _cursor(self, connection: Connection, case_id: str) -> int:
        cursor = _CURSORS.c
        found = connection.scalar(
            select(cursor.last_seq).where(cursor.consumer == self.name, cursor.case_id == case_id)
        )
        return found or 0

    def lines(self) -> list[tuple[str, int]]:
        with reading(self._engine) as connection:
            rows = connection.execute(text("SELECT event_id, place FROM line"))
            return [(row.event_id, row.place) for row in rows]

    def events(self) -> list[str]:
        return [event_id for event_id, _ in self.lines()]


@contextlib.asynccontextmanager
async def consuming(
    js: JetStreamContext, handler: Handler, engine: Engine, pace: ConsumerPace = QUICK, **how: Any
) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(consume(js, handler, engine, stop, pace=pace, **how))
    try:
        yield task
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def publish(js: JetStreamContext, *rows: OutboxRow) -> None:
    for row in rows:
        await js.publish(row.subject, row.body.encode())


def ids(rows: list[OutboxRow]) -> list[str]:
    return [f"{row.case_id}:{row.seq}" for row in rows]


def short_wait(monkeypatch: pytest.MonkeyPatch, name: str, max_deliver: int = -1) -> None:
    """Let an unanswered message come again soon."""
    monkeypatch.setitem(CONSUMERS, name, Delivering(ack_wait=0.3, max_deliver=max_deliver))


async def test_events_are_handled_in_order_with_their_places(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    for _ in range(3):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine):
        await until(lambda: len(notebook.lines()) == 9)
    assert sorted(notebook.lines(), key=lambda line: line[1]) == notebook.lines()
    assert sorted(notebook.events()) == sorted(ids(outbox(engine)))
    assert (await js.consumer_info(EVENTS, "audit")).num_ack_pending == 0


async def test_nothing_is_done_again_after_a_restart(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    case = make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine):
        await until(lambda: len(notebook.lines()) == 3)
    commit(engine, case, Action.PASS_FORMAL_CHECK)
    await Relay(engine, js).drain()
    async with consuming(js, notebook, engine):
        await until(lambda: len(notebook.lines()) == 4)
    assert notebook.events() == ids(outbox(engine))


async def test_delivered_from_the_start_again(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    """The durable was lost: every event comes again, and none is done again."""
    case = make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine):
        await until(lambda: len(notebook.lines()) == 3)
        await js.delete_consumer(EVENTS, "audit")
        await asyncio.to_thread(commit, engine, case, Action.PASS_FORMAL_CHECK)
        await Relay(engine, js).drain()
        await until(lambda: len(notebook.lines()) == 4)
    assert notebook.events() == ids(outbox(engine))


async def test_an_event_that_comes_too_early_waits_for_the_one_before(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    first, second, third = outbox(engine)
    await publish(js, third, second)
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine, PATIENT):
        await until(lambda: _delivered_again(js))
        assert notebook.lines() == []
        await publish(js, first)
        await until(lambda: len(notebook.lines()) == 3)
    assert notebook.lines() == [
        (each, place) for each, place in zip(ids([first, second, third]), (3, 2, 1), strict=True)
    ]


async def _delivered_again(js: JetStreamContext) -> bool:
    with contextlib.suppress(NotFoundError):
        info = await js.consumer_info(EVENTS, "audit")
        assert info.delivered is not None
        return bool(info.delivered.consumer_seq > 4)
    return False


async def test_what_the_stream_never_brings_is_read_from_the_record(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    *_, third = outbox(engine)
    await publish(js, third)
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine):
        await until(lambda: len(notebook.lines()) == 3)
    places = [place for _, place in notebook.lines()]
    assert (notebook.events(), places) == (ids(outbox(engine)), [0, 0, 1])


async def test_an_event_beyond_the_record_is_told_and_not_done(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    event = json.loads(outbox(engine)[0].body)
    case_id = event["data"]["case_id"]
    event["id"], event["data"]["seq"] = f"{case_id}:7", 7
    await js.publish(f"tuixuan.v1.case.submitted.{case_id}.7", json.dumps(event).encode())
    notebook = Notebook(engine)
    with capture_logs() as logs:
        async with consuming(js, notebook, engine):
            await until(lambda: any(line["event"] == "event_beyond_the_record" for line in logs))
    assert notebook.lines() == []


class Held(Notebook):
    """Stands still after its effect is committed, before the message is acknowledged."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.done, self.go_on = threading.Event(), threading.Event()

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        super().apply(event, body, stream_seq)
        self.done.set()
        self.go_on.wait(10)


async def test_killed_between_effect_and_acknowledgement(
    engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, "audit")
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    held = Held(engine)
    async with consuming(js, held, engine) as task:
        await until(held.done.is_set)
        task.cancel()
        held.go_on.set()
    assert len(held.lines()) == 1
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine):
        await until(lambda: _all_acknowledged(js))
    assert notebook.events() == ids(outbox(engine))


async def _all_acknowledged(js: JetStreamContext) -> bool:
    with contextlib.suppress(NotFoundError):
        info = await js.consumer_info(EVENTS, "audit")
        return bool(info.num_ack_pending == 0 and info.num_pending == 0)
    return False


async def test_two_at_once_do_each_thing_once(
    engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was thought dead comes back while its successor works: sorted by the cursor."""
    short_wait(monkeypatch, "audit")
    for _ in range(4):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    first, second = Notebook(engine), Notebook(engine)
    async with consuming(js, first, engine), consuming(js, second, engine):
        await until(lambda: _all_acknowledged(js))
    assert sorted(first.events()) == sorted(ids(outbox(engine)))


async def test_it_goes_on_after_nats_was_killed(
    engine: Engine, season: str, js: JetStreamContext, nats_server: Nats
) -> None:
    case = make_case(engine, season=season, state=State.RECOMMENDATION)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, notebook, engine):
        await until(lambda: len(notebook.lines()) == 2)
        nats_server.kill()
        await asyncio.to_thread(commit, engine, case, Action.RECOMMEND)
        nats_server.start()
        await until(lambda: _drained(engine, js))
        await until(lambda: len(notebook.lines()) == 3)
    assert notebook.events() == ids(outbox(engine))


async def _drained(engine: Engine, js: JetStreamContext) -> bool:
    with contextlib.suppress(Exception):
        return await Relay(engine, js).drain() > 0
    return False


class Outbound(Notebook):
    """Its effect needs the outbox too, so that it fails whenever the record is away."""

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        with reading(self._engine) as connection:
            connection.execute(text("SELECT count(*) FROM outbox"))
        super().apply(event, body, stream_seq)


async def test_it_goes_on_after_the_database_was_away(
    engine: Engine,
    season: str,
    js: JetStreamContext,
    monkeypatch: pytest.MonkeyPatch,
    database_away: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    """However long: the message stays in hand, so no delivery is used up."""
    short_wait(monkeypatch, "notify", max_deliver=2)
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    expected = ids(outbox(engine))
    notebook = Outbound(engine, "notify")
    with capture_logs() as logs:
        away = database_away()
        away.__enter__()
        async with consuming(js, notebook, engine):
            await until(lambda: sum(line["event"] == "database_away" for line in logs) > 5)
            away.__exit__(None, None, None)
            await until(lambda: len(notebook.lines()) == 3)
    assert notebook.events() == expected
    assert "dead_letter" not in {line["event"] for line in logs}


def broken(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "specversion": "9.9"}


def renamed(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "type": "org.tuixuan.case.exploded"}


def another(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "id": "case_other:1"}


def chatty(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "data": {**body["data"], "contact_mobile": "13800000000"}}


CHANGES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [broken, renamed, another, chatty]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_message_that_is_no_event_of_ours_is_given_up_or_kept(
    sqlite_engine: Engine, season: str, js: JetStreamContext, change: Callable[[Any], Any]
) -> None:
    """Notify gives it up into the dead letters; audit never drops anything."""
    make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    row = outbox(sqlite_engine)[0]
    await js.publish(row.subject, json.dumps(change(json.loads(row.body))).encode())
    with capture_logs() as logs:
        for name in ("notify", "audit"):
            notebook = Notebook(sqlite_engine, name)
            async with consuming(js, notebook, sqlite_engine, ordered=False):
                await until(partial(_refused_by, logs, name))
            assert notebook.lines() == []
    assert [line["consumer"] for line in logs if line["event"] == "dead_letter"] == ["notify"]
    assert "13800000000" not in str(logs)
    assert (await js.stream_info(ADVISORIES)).state.messages == 1
    assert (await js.consumer_info(EVENTS, "notify")).num_ack_pending == 0
    assert (await js.consumer_info(EVENTS, "audit")).num_ack_pending == 1


async def test_an_event_under_the_subject_of_another_is_refused(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    case = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    body = outbox(sqlite_engine)[0].body.encode()
    await js.publish(f"tuixuan.v1.case.submitted.{case}.2", body)
    notebook = Notebook(sqlite_engine, "notify")
    async with consuming(js, notebook, sqlite_engine):
        await until(lambda: _dead(js, 1))
    assert notebook.lines() == []


async def test_an_answer_that_is_lost_is_no_failure_of_the_effect(
    sqlite_engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, "notify", max_deliver=2)
    acknowledge, lost = Msg.ack_sync, ["the first"]

    async def lose_one(message: Msg, timeout: float = 1) -> Msg:  # noqa: ASYNC109 - as in nats.py
        if lost:
            raise NatsTimeoutError(lost.pop())
        return await acknowledge(message, timeout)

    monkeypatch.setattr(Msg, "ack_sync", lose_one)
    make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    await Relay(sqlite_engine, js).drain()
    notebook = Notebook(sqlite_engine, "notify")
    with capture_logs() as logs:
        async with consuming(js, notebook, sqlite_engine):
            await until(lambda: sum(line["event"] == "event_handled" for line in logs) == 2)
    assert notebook.events() == ids(outbox(sqlite_engine))
    assert {"answer_lost"} == {line["event"] for line in logs} - {
        "event_handled",
        "event_announced",
    }


def _refused_by(logs: list[Any], name: str) -> bool:
    return any(line["event"] == "unreadable_message" and line["consumer"] == name for line in logs)


async def test_text_that_is_no_text_is_refused(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    del season
    await js.publish("tuixuan.v1.case.submitted.case_x.1", b"\xff\xfe")
    await js.publish("tuixuan.v1.case.submitted.case_x.2", b"")
    notebook = Notebook(sqlite_engine, "notify")
    async with consuming(js, notebook, sqlite_engine):
        await until(lambda: _dead(js, 2))


async def _dead(js: JetStreamContext, count: int) -> bool:
    return (await js.stream_info(ADVISORIES)).state.messages == count


class Fails(Notebook):
    """Breaks on the first event as often as it is told."""

    def __init__(self, engine: Engine, name: str, times: int) -> None:
        super().__init__(engine, name)
        self.left = times

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        if event.data.seq == 1 and self.left:
            self.left -= 1
            raise KeyError(event.id)
        super().apply(event, body, stream_seq)


async def test_a_handler_that_fails_is_asked_again_and_order_is_kept(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    fails = Fails(engine, "audit", times=1)
    async with consuming(js, fails, engine, PATIENT):
        await until(lambda: len(fails.lines()) == 3)
    assert fails.events() == ids(outbox(engine))


class FailsOn(Notebook):
    """Breaks on one event, and keeps no order: it notes what it is asked."""

    def __init__(self, engine: Engine, event_id: str) -> None:
        super().__init__(engine, "notify")
        self.asked: list[str] = []
        self._broken = event_id

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        del body, stream_seq
        self.asked.append(event.id)
        if event.id == self._broken:
            raise KeyError(event.id)


async def test_after_the_last_attempt_it_is_a_dead_letter(
    sqlite_engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, "notify", max_deliver=2)
    make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    await Relay(sqlite_engine, js).drain()
    first, second = ids(outbox(sqlite_engine))
    fails = FailsOn(sqlite_engine, first)
    with capture_logs() as logs:
        async with consuming(js, fails, sqlite_engine, ordered=False):
            await until(lambda: _dead(js, 1))
    assert fails.asked == [first, second, first]
    assert [line["stream_seq"] for line in logs if line["event"] == "dead_letter"] == [1]


async def test_messages_go_back_at_once_when_it_stops(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    """The next process need not wait until the server gives up on this one."""
    make_case(sqlite_engine, season=season, state=State.PUBLISHED)
    await Relay(sqlite_engine, js).drain()
    held = Held(sqlite_engine)
    stop = asyncio.Event()
    task = asyncio.create_task(consume(js, held, sqlite_engine, stop, pace=QUICK))
    await until(held.done.is_set)
    stop.set()
    held.go_on.set()
    await task
    assert len(held.lines()) == 1
    notebook = Notebook(sqlite_engine)
    async with consuming(js, notebook, sqlite_engine):
        await until(lambda: len(notebook.lines()) == 7, seconds=10)
    assert notebook.events() == ids(outbox(sqlite_engine))


async def test_consumers_stand_as_the_table_says(js: JetStreamContext) -> None:
    for name, wanted in CONSUMERS.items():
        await ensure_consumer(js, name)
        await ensure_consumer(js, name)
        config = (await js.consumer_info(EVENTS, name)).config
        assert (config.ack_wait, config.max_deliver) == (wanted.ack_wait, wanted.max_deliver)
        assert config.max_ack_pending == 256
