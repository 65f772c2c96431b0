"""NATS loses its store in the middle of publishing, and one command brings all back."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import Engine, select

from models import tables
from models.cases.states import State
from models.ids import event_id
from models.store.engine import reading
from models.stream.names import EVENTS, Durable
from models.tables.audit import audit_record
from services.audit.anchors import AnchorFile
from services.stream.losses import announced_seqs, count_messages
from services.unavailable import Unavailable
from tests.factories import make_case
from tests.receivers import INSIDE, Receiver, subscribe
from tests.receivers import QUICK as INSISTENT
from tests.servers import Nats
from tests.slack import slack
from tests.streams import messages, outbox, waiting
from tests.waiting import until
from workers.audit import AuditHandler
from workers.notify.handler import NotifyHandler
from workers.stream.connection import connect
from workers.stream.consumer import Consumer
from workers.stream.handing_over import AsTheyCome, InOrder
from workers.stream.pace import ConsumerPace
from workers.stream.rebuild import rebuild
from workers.stream.relay import Relay, RelayPace
from workers.webhook.run import run as send_webhooks

QUICK = ConsumerPace(fetch=0.1, silence=2, redeliver=0.02, gap=0.2, backoff=0.1)
BRISK = RelayPace(poll=0.01, batch=3, at_once=2, answer=0.5, backoff=0.2)
CASES = 12


@contextlib.asynccontextmanager
async def everybody(
    js: JetStreamContext, engine: Engine, audit: Engine, anchors: Path
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Relay(engine, js, pace=BRISK).run(stop))
        group.create_task(send_webhooks(js, engine, INSIDE, stop, INSISTENT, QUICK))
        for way in (
            AsTheyCome(NotifyHandler(engine)),
            InOrder(AuditHandler(audit, anchors), engine),
        ):
            group.create_task(Consumer(js, way, engine, stop, QUICK).run())
        yield
        stop.set()


def told(engine: Engine) -> Counter[tuple[str, str]]:
    columns = tables.inbox_message.c
    with reading(engine) as connection:
        rows = connection.execute(select(columns.recipient, columns.event_id))
        return Counter((row.recipient, row.event_id) for row in rows)


def witnessed(audit: Engine) -> list[tuple[str, int]]:
    columns = audit_record.c
    with reading(audit) as connection:
        rows = connection.execute(select(columns.case_id, columns.case_seq).order_by(columns.n))
        return [(row.case_id, row.case_seq) for row in rows]


def deliveries(engine: Engine) -> Counter[tuple[str, str, int]]:
    columns = tables.webhook_delivery.c
    with reading(engine) as connection:
        rows = connection.execute(select(columns.event_id, columns.status, columns.attempts))
        return Counter((row.event_id, row.status, row.attempts) for row in rows)


@pytest.mark.usefixtures("season")
async def test_a_lost_store_comes_back_whole_and_nobody_is_told_twice(
    engine: Engine, audit_engine: Engine, js: JetStreamContext, nats_server: Nats, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors.jsonl"
    async with Receiver() as receiver, everybody(js, engine, audit_engine, anchors):
        subscribe(engine, receiver)
        cases = [make_case(engine, state=State.FORMAL_CHECK) for _ in range(CASES)]
        await until(lambda: len(witnessed(audit_engine)) >= CASES and len(receiver.ids) >= CASES)
        nats_server.kill()
        nats_server.lose_store()
        cases += [make_case(engine, state=State.FORMAL_CHECK) for _ in range(CASES)]
        assert waiting(engine) >= 3 * CASES, "nothing goes out before the server is back"
        before, heard = told(engine), list(receiver.ids)
        nats_server.start()
        connection = await connect(nats_server.login, "rebuild")
        done = await rebuild(engine, connection.jetstream(timeout=slack(2)), slack(30))
        await connection.close()
        events = {(row.case_id, row.seq): row for row in outbox(engine)}
        assert (done.ok, done.waiting, done.messages) == (True, 0, len(events))
        assert done.given_back >= CASES
        assert len(events) == 3 * len(cases)
        await until(lambda: len(witnessed(audit_engine)) == len(events))
        await until(lambda: len(receiver.ids) >= len(events))
        await until(lambda: _caught_up(js))
    stands = await messages(js)
    bodies = {row.subject: row.body.encode() for row in events.values()}
    assert {message.subject: message.data for message in stands} == bodies
    assert {message.seq for message in stands} == {row.place for row in events.values()}
    seen = witnessed(audit_engine)
    assert Counter(seen) == Counter(receiver.places) == Counter(dict.fromkeys(events, 1))
    for taken in (seen, receiver.places):
        order = [[seq for each, seq in taken if each == case_id] for case_id in cases]
        assert order == [[1, 2, 3]] * len(cases)
    ids = [event_id(case_id, seq) for case_id, seq in events]
    assert deliveries(engine) == Counter(dict.fromkeys(((id_, "delivered", 1) for id_ in ids), 1))
    assert Counter(receiver.ids) == Counter(dict.fromkeys(ids, 1))
    assert len(receiver.requests) == len(ids)
    assert receiver.ids[: len(heard)] == heard
    assert set(told(engine).values()) == {1}
    for consumer in (Durable.NOTIFY, Durable.WEBHOOK):
        assert cursors(engine, consumer) == dict.fromkeys(cases, 3)
    assert before <= told(engine)
    anchored = [anchor for anchor in AnchorFile(anchors).read() if anchor]
    assert anchored[-1][0] == len(events)
    assert [place for place, _ in anchored] == sorted({place for place, _ in anchored})
    assert (await rebuild(engine, js, 5)).given_back == 0


def cursors(engine: Engine, consumer: Durable) -> dict[str, int]:
    columns = tables.consumer_cursor.c
    query = select(columns.case_id, columns.last_seq).where(columns.consumer == consumer)
    with reading(engine) as connection:
        return {row.case_id: row.last_seq for row in connection.execute(query)}


async def _caught_up(js: JetStreamContext) -> bool:
    try:
        durables = [await js.consumer_info(EVENTS, name) for name in Durable]
    except NotFoundError:  # one of them has not noticed yet that its durable went with the store
        return False
    return not any(info.num_pending or info.num_ack_pending for info in durables)


async def test_who_asks_a_stream_that_is_gone_is_told_how_it_comes_back(
    js: JetStreamContext,
) -> None:
    await js.delete_stream(EVENTS)
    for asked in (count_messages(js), announced_seqs(js, "case_1")):
        with pytest.raises(Unavailable, match=r"stream_missing: .*tuixuan stream rebuild"):
            await asked
