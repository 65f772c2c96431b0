"""Each event's effect is there once and in order, whatever dies."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from models.cases.actions.names import Action
from models.cases.states import State
from models.store.engine import reading
from models.stream.incoming import IncomingEvent
from models.stream.names import EVENTS, Durable
from tests.factories import commit, make_case
from tests.integration.stream.notebooks import (
    PATIENT,
    QUICK,
    Held,
    HeldAlone,
    Notebook,
    all_acknowledged,
    consuming,
    ids,
    short_wait,
)
from tests.servers import Nats
from tests.streams import outbox
from tests.waiting import until
from workers.stream.consumer import Consumer
from workers.stream.handing_over import InOrder
from workers.stream.relay import Relay


async def test_events_are_handled_in_order_with_their_places(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    for _ in range(3):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, InOrder(notebook, engine), engine):
        await until(lambda: len(notebook.lines()) == 9)
    assert sorted(notebook.lines(), key=lambda line: line[1]) == notebook.lines()
    assert sorted(notebook.events()) == sorted(ids(outbox(engine)))
    assert (await js.consumer_info(EVENTS, Durable.AUDIT)).num_ack_pending == 0


async def test_nothing_is_done_again_after_a_restart(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    case = make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, InOrder(notebook, engine), engine):
        await until(lambda: len(notebook.lines()) == 3)
    commit(engine, case, Action.PASS_FORMAL_CHECK)
    await Relay(engine, js).drain()
    async with consuming(js, InOrder(notebook, engine), engine):
        await until(lambda: len(notebook.lines()) == 4)
    assert notebook.events() == ids(outbox(engine))


async def test_delivered_from_the_start_again(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    """The durable was lost: every event comes again, and none is done again."""
    case = make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, InOrder(notebook, engine), engine):
        await until(lambda: len(notebook.lines()) == 3)
        await js.delete_consumer(EVENTS, Durable.AUDIT)
        await asyncio.to_thread(commit, engine, case, Action.PASS_FORMAL_CHECK)
        await Relay(engine, js).drain()
        await until(lambda: len(notebook.lines()) == 4)
    assert notebook.events() == ids(outbox(engine))


async def test_killed_between_effect_and_acknowledgement(
    engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, Durable.AUDIT)
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    held = Held(engine)
    async with consuming(js, InOrder(held, engine), engine) as task:
        await until(held.done.is_set)
        task.cancel()
        held.go_on.set()
    assert held.lines() != []
    notebook = Notebook(engine)
    async with consuming(js, InOrder(notebook, engine), engine):
        await until(lambda: all_acknowledged(js))
    assert notebook.events() == ids(outbox(engine))


async def test_two_at_once_do_each_thing_once(
    engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was thought dead comes back while its successor works: sorted by the cursor."""
    short_wait(monkeypatch, Durable.AUDIT)
    for _ in range(4):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    first, second = Notebook(engine), Notebook(engine)
    async with (
        consuming(js, InOrder(first, engine), engine),
        consuming(js, InOrder(second, engine), engine),
    ):
        await until(lambda: all_acknowledged(js))
    assert sorted(first.events()) == sorted(ids(outbox(engine)))


async def test_it_goes_on_after_nats_was_killed(
    engine: Engine, season: str, js: JetStreamContext, nats_server: Nats
) -> None:
    case = make_case(engine, season=season, state=State.RECOMMENDATION)
    await Relay(engine, js).drain()
    notebook = Notebook(engine)
    async with consuming(js, InOrder(notebook, engine), engine):
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

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        with reading(self._engine) as connection:
            connection.execute(text("SELECT count(*) FROM outbox"))
        return super().apply(events)


async def test_it_goes_on_after_the_database_was_away(
    engine: Engine,
    season: str,
    js: JetStreamContext,
    monkeypatch: pytest.MonkeyPatch,
    database_away: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    """However long: the message stays in hand, so no delivery is used up."""
    short_wait(monkeypatch, Durable.NOTIFY, max_deliver=2)
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    expected = ids(outbox(engine))
    notebook = Outbound(engine, Durable.NOTIFY)
    with capture_logs() as logs:
        away = database_away()
        away.__enter__()
        async with consuming(js, InOrder(notebook, engine), engine):
            await until(lambda: sum(line["event"] == "database_away" for line in logs) > 5)
            away.__exit__(None, None, None)
            await until(lambda: len(notebook.lines()) == 3)
    assert notebook.events() == expected
    assert "dead_letter" not in {line["event"] for line in logs}


async def test_an_answer_that_is_lost_is_no_failure_of_the_effect(
    sqlite_engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, Durable.NOTIFY, max_deliver=2)
    acknowledge, lost = Msg.ack_sync, ["the first"]

    async def lose_one(message: Msg, timeout: float = 1) -> Msg:  # noqa: ASYNC109 - as in nats.py
        if lost:
            raise NatsTimeoutError(lost.pop())
        return await acknowledge(message, timeout)

    monkeypatch.setattr(Msg, "ack_sync", lose_one)
    make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    await Relay(sqlite_engine, js).drain()
    notebook = Notebook(sqlite_engine, Durable.NOTIFY)
    with capture_logs() as logs:
        async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
            await until(lambda: sum(line["event"] == "event_handled" for line in logs) == 2)
    assert notebook.events() == ids(outbox(sqlite_engine))
    rest = {line["event"] for line in logs} - {"event_handled", "events_handled"}
    assert rest == {"answer_lost"}


class Fails(Notebook):
    """Breaks on the first event as often as it is told."""

    def __init__(self, engine: Engine, name: Durable, times: int) -> None:
        super().__init__(engine, name)
        self.left = times

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        if self.left and any(each.event.data.seq == 1 for each in events):
            self.left -= len(events) == 1  # among others it takes them along
            raise KeyError(events[0].event.id)
        return super().apply(events)


async def test_a_handler_that_fails_is_asked_again_and_order_is_kept(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    fails = Fails(engine, Durable.AUDIT, times=1)
    async with consuming(js, InOrder(fails, engine), engine, PATIENT):
        await until(lambda: len(fails.lines()) == 3)
    assert fails.events() == ids(outbox(engine))


async def test_messages_go_back_at_once_when_it_stops(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    """The next process need not wait until the server gives up on this one."""
    make_case(sqlite_engine, season=season, state=State.PUBLISHED)
    await Relay(sqlite_engine, js).drain()
    held = HeldAlone(sqlite_engine)
    stop = asyncio.Event()
    task = asyncio.create_task(
        Consumer(js, InOrder(held, sqlite_engine), sqlite_engine, stop, QUICK).run()
    )
    await until(held.done.is_set)
    stop.set()
    held.go_on.set()
    await task
    assert len(held.lines()) == 1
    notebook = Notebook(sqlite_engine)
    async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
        await until(lambda: len(notebook.lines()) == 7, within=10)
    assert notebook.events() == ids(outbox(sqlite_engine))
