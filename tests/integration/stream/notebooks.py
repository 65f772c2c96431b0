"""A handler whose effect is countable, and a running consumer that hands it events."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import Engine, text

from models.cases.events import CaseEvent
from models.ids import event_id
from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent, in_turn
from models.stream.names import ADVISORIES, EVENTS, Durable
from services.stream.cursors import lock_cursors, move_cursors, read_cursor
from tests.slack import slack
from tests.streams import OutboxRow
from workers.stream.consumer import Consumer
from workers.stream.handing_over import HandOver
from workers.stream.jetstream import CONSUMERS, Redelivery
from workers.stream.pace import ConsumerPace

QUICK = ConsumerPace(fetch=0.1, redeliver=0.02, gap=0.2, backoff=0.1)
PATIENT = ConsumerPace(fetch=0.1, redeliver=0.02, gap=60, backoff=0.1)


class Notebook:
    """A handler whose effect is a line in a table: without a key, so that it would double."""

    def __init__(self, engine: Engine, name: Durable = Durable.AUDIT) -> None:
        self.name, self._engine = name, engine
        with transaction(engine) as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS line (event_id TEXT, place INT)"))

    def last_seq(self, case_id: str) -> int:
        with reading(self._engine) as connection:
            return read_cursor(connection, self.name, case_id)

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        for event, body, _ in events:
            assert CaseEvent.model_validate_json(body) == event
        at = datetime.now(UTC)
        with transaction(self._engine) as connection:
            new, early = in_turn(events, lock_cursors(connection, self.name, events, at))
            move_cursors(connection, self.name, new, at)
            for event, _, place in new:
                line = {"id": event.id, "place": place}
                connection.execute(text("INSERT INTO line VALUES (:id, :place)"), line)
        return early

    def lines(self) -> list[tuple[str, int]]:
        with reading(self._engine) as connection:
            rows = connection.execute(text("SELECT event_id, place FROM line"))
            return [(row.event_id, row.place) for row in rows]

    def events(self) -> list[str]:
        return [event_id for event_id, _ in self.lines()]


class Held(Notebook):
    """Stands still after its effect is committed, before the message is acknowledged."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.done, self.go_on = threading.Event(), threading.Event()

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        early = super().apply(events)
        self.done.set()
        self.go_on.wait(slack(10))
        return early


class HeldAlone(Held):
    """The same, and it can do only one event at a time."""

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        if len(events) > 1:
            raise KeyError(events[0].event.id)
        return super().apply(events)


@contextlib.asynccontextmanager
async def consuming(
    js: JetStreamContext, way: HandOver, engine: Engine, pace: ConsumerPace = QUICK
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a consumer for the length of a block."""
    stop = asyncio.Event()
    task = asyncio.create_task(Consumer(js, way, engine, stop, pace).run())
    try:
        yield task
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def publish(js: JetStreamContext, *rows: OutboxRow) -> None:
    """Publish rows of the outbox in the given order."""
    for row in rows:
        await js.publish(row.subject, row.body.encode())


def ids(rows: list[OutboxRow]) -> list[str]:
    """The event ids of rows of the outbox."""
    return [event_id(row.case_id, row.seq) for row in rows]


def short_wait(monkeypatch: pytest.MonkeyPatch, name: Durable, max_deliver: int = -1) -> None:
    """Let an unanswered message come again soon."""
    monkeypatch.setitem(CONSUMERS, name, Redelivery(ack_wait=0.3, max_deliver=max_deliver))


async def advisories(js: JetStreamContext) -> int:
    """How many messages the server says were given up."""
    return (await js.stream_info(ADVISORIES)).state.messages


async def all_acknowledged(js: JetStreamContext, name: Durable = Durable.AUDIT) -> bool:
    """Whether a consumer, if it is there at all, has answered every message."""
    with contextlib.suppress(NotFoundError):
        info = await js.consumer_info(EVENTS, name)
        return bool(info.num_ack_pending == 0 and info.num_pending == 0)
    return False
