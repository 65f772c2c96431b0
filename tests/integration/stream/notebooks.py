"""A handler whose effect is countable, and a running consumer that hands it events."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Connection, Engine, insert, select, text, update

from models import tables
from models.cases.events import CaseEvent
from models.ids import event_id
from models.store.engine import reading, transaction
from models.stream.names import ADVISORIES, Durable
from tests.slack import slack
from tests.streams import OutboxRow
from workers.stream.consumer import Consumer
from workers.stream.handing_over import HandOver
from workers.stream.jetstream import CONSUMERS, Redelivery
from workers.stream.pace import ConsumerPace

QUICK = ConsumerPace(fetch=0.1, redeliver=0.02, gap=0.2, backoff=0.1)
PATIENT = ConsumerPace(fetch=0.1, redeliver=0.02, gap=60, backoff=0.1)

_cursors = tables.consumer_cursor


class Notebook:
    """A handler whose effect is a line in a table: without a key, so that it would double."""

    def __init__(self, engine: Engine, name: Durable = Durable.AUDIT) -> None:
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
                connection.execute(insert(_cursors), {**place, **values})
                return
            moved = connection.execute(
                update(_cursors).filter_by(**place, last_seq=seq - 1).values(**values)
            )
            assert moved.rowcount == 1, "another was quicker"

    def _cursor(self, connection: Connection, case_id: str) -> int:
        cursor = _cursors.c
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


class Held(Notebook):
    """Stands still after its effect is committed, before the message is acknowledged."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.done, self.go_on = threading.Event(), threading.Event()

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        super().apply(event, body, stream_seq)
        self.done.set()
        self.go_on.wait(slack(10))


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
