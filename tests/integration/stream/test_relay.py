"""What the outbox holds is in the stream: once, in order, whatever dies in between."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from nats.js import JetStreamContext
from nats.js.errors import APIError
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS
from models.cases.events import CaseEvent
from models.cases.lifecycle import RULES
from models.cases.states import State
from models.stream.names import EVENTS
from services.stream.leases import release_lease, take_lease
from services.stream.outbox import read_unpublished
from tests.factories import PATHS, ROOT, commit, make_case
from tests.servers import Nats
from tests.streams import messages, outbox, waiting
from tests.waiting import until
from workers.stream.jetstream import ensure_streams
from workers.stream.publishing import StreamUnavailable
from workers.stream.relay import LEASE, Relay, RelayPace

Away = Callable[[], contextlib.AbstractContextManager[None]]
QUICK = RelayPace(poll=0.01, answer=0.5, backoff=0.1, retry_stopped=0.05)


@contextlib.asynccontextmanager
async def relaying(relay: Relay) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def assert_announced(engine: Engine, js: JetStreamContext) -> None:
    """The stream is what the outbox says: same bytes, same places, each case in order."""
    rows, sent = outbox(engine), await messages(js)
    assert sorted((row.subject, row.body) for row in rows) == sorted(
        (str(each.subject), (each.data or b"").decode()) for each in sent
    )
    assert {row.subject: row.place for row in rows} == {each.subject: each.seq for each in sent}
    for case_id in {row.case_id for row in rows}:
        places = [row.place or 0 for row in rows if row.case_id == case_id]
        assert places == sorted(places)


async def test_every_event_goes_out_in_order(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    for _ in range(3):
        make_case(engine, season=season, state=State.PUBLISHED)

    async with relaying(Relay(engine, js, pace=QUICK)):
        await until(lambda: waiting(engine) == 0)

    await assert_announced(engine, js)
    first = await js.get_msg(EVENTS, 1)
    row = outbox(engine)[0]
    assert first.headers == {
        "Nats-Msg-Id": f"{row.case_id}:1",
        "Content-Type": "application/cloudevents+json",
        "Nats-Expected-Stream": EVENTS,
    }


DUE = datetime(2099, 12, 31, 16, tzinfo=UTC)
FIELDS: dict[Action, dict[str, Any]] = {
    Action.REMIND: {"deadline": DUE, "offset": 3},
    Action.EXPIRE: {"deadline": DUE},
    Action.MOVE_DEADLINE: {"until": DUE},
    Action.REQUEST_CORRECTION: {"due": DUE},
}


async def test_every_published_message_is_as_its_schema_says(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    """Each action is done once, and the pages' own schemas judge what the stream then holds."""
    for action in ACTIONS:
        sources = {state for rule in RULES if rule.action is action for state in rule.sources}
        longest = [state for state in PATHS if state in sources][-1]
        case = make_case(engine, season=season, state=longest)
        done = commit(engine, case, action, **FIELDS.get(action, {}))
        assert done.refusal is None
    relay = Relay(engine, js, pace=QUICK)
    while await relay.drain():
        pass

    schema = CaseEvent.model_json_schema(by_alias=True, mode="serialization")
    seen: set[str] = set()
    for message in await messages(js):
        event = CaseEvent.model_validate_json(message.data or b"")
        published = json.loads(message.data or b"")
        jsonschema.validate(published, schema)
        told = json.loads((ROOT / "docs" / "schemas" / f"{event.name}.json").read_text("utf-8"))
        assert told["$id"] == published["dataschema"]
        jsonschema.Draft202012Validator(told).validate(published)
        assert event.to_json().encode() == message.data
        data = event.data
        assert message.subject == f"tuixuan.v1.case.{event.name}.{data.case_id}.{data.seq}"
        seen.add(event.name)
    assert seen == set(EventName)


async def test_new_events_go_out_while_it_runs(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    async with relaying(Relay(engine, js, pace=QUICK)):
        case = await asyncio.to_thread(make_case, engine, season=season, state=State.RECOMMENDATION)
        await until(lambda: waiting(engine) == 0)
        await asyncio.to_thread(commit, engine, case, Action.RECOMMEND)
        await until(lambda: waiting(engine) == 0)
    await assert_announced(engine, js)


async def test_batches_keep_the_order_of_each_case(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    cases = [make_case(engine, season=season, state=State.PROVINCE_REVIEW) for _ in range(4)]
    for action in (Action.ACCEPT, Action.RECOMMEND):
        for case in reversed(cases):
            commit(engine, case, action)
    relay = Relay(engine, js, pace=RelayPace(batch=5, at_once=2))

    assert [await relay.drain() for _ in range(4)] == [5, 5, 2, 0]
    await assert_announced(engine, js)


class DiesBeforeMarking(Relay):
    """A relay that is killed after the stream has the batch and before SQL knows it."""

    async def _settle(self, batch: object) -> None:
        del batch
        raise asyncio.CancelledError


@pytest.mark.parametrize("remembers", [True, False])
async def test_killed_between_publish_and_mark(
    engine: Engine, season: str, js: JetStreamContext, remembers: bool
) -> None:
    """The next relay publishes again: by its id, or when that is forgotten by its subject."""
    if not remembers:
        info = await js.stream_info(EVENTS)
        await js.update_stream(info.config, duplicate_window=0.1)
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    with pytest.raises(asyncio.CancelledError):
        await DiesBeforeMarking(engine, js, pace=QUICK).drain()
    assert waiting(engine) == 3
    if not remembers:
        await asyncio.sleep(0.3)  # the window itself is a time

    assert await Relay(engine, js, pace=QUICK).drain() == 3

    assert len(await messages(js)) == 3
    await assert_announced(engine, js)


async def test_nats_killed_midway_on_the_same_store(
    engine: Engine, season: str, js: JetStreamContext, nats_server: Nats
) -> None:
    pace = RelayPace(poll=0.01, batch=3, at_once=2, answer=0.5, backoff=0.1)
    cases = [make_case(engine, season=season, state=State.FORMAL_CHECK) for _ in range(6)]
    async with relaying(Relay(engine, js, pace=pace)):
        await until(lambda: waiting(engine) < 18)
        nats_server.kill()
        await asyncio.to_thread(commit, engine, cases[0], Action.PASS_FORMAL_CHECK)
        nats_server.start()
        await until(lambda: waiting(engine) == 0)
    assert len(outbox(engine)) == 19
    await assert_announced(engine, js)


async def test_a_lost_stream_is_made_again(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    await js.delete_stream(EVENTS)
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    async with relaying(Relay(engine, js, pace=QUICK)):
        await until(lambda: waiting(engine) == 0)
    await assert_announced(engine, js)
    info = await js.stream_info(EVENTS)
    assert info.config.deny_delete
    assert info.config.max_msgs_per_subject == 1


async def test_a_foreign_message_under_the_subject_stops_that_case_only(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    case = make_case(engine, season=season, state=State.RECOMMENDATION)
    other = make_case(engine, season=season, state=State.RECOMMENDATION)
    taken = next(row for row in outbox(engine) if row.case_id == case)
    await js.publish(taken.subject, b"not ours")

    async with relaying(Relay(engine, js, pace=QUICK)):
        await until(lambda: outbox(engine)[0].attempts > 1)  # it is looked at again

    first, second, *rest = outbox(engine)
    assert (first.place, second.place) == (None, None)
    assert first.last_error == "the stream holds another message at 1"
    assert [row.case_id for row in rest if row.place] == [other, other]
    assert (await messages(js))[0].data == b"not ours"


async def test_an_id_used_elsewhere_is_no_proof(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    case = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    await js.publish(
        "tuixuan.v1.case.submitted.other.1", b"not ours", headers={"Nats-Msg-Id": f"{case}:1"}
    )
    await Relay(engine, js, pace=QUICK).drain()
    assert outbox(engine)[0].last_error == "its id was used under another subject"


async def test_a_full_stream_keeps_everything_waiting(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    info = await js.stream_info(EVENTS)
    await js.update_stream(info.config, max_bytes=100)
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    relay = Relay(engine, js, pace=QUICK)

    with pytest.raises(StreamUnavailable, match="the stream is full"):
        await relay.drain()
    assert outbox(engine)[0].last_error is None

    await ensure_streams(js, max_bytes=1_000_000)
    assert await relay.drain() == 1
    await assert_announced(engine, js)


async def test_an_event_that_is_too_big_stops_its_case(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    info = await js.stream_info(EVENTS)
    await js.update_stream(info.config, max_msg_size=10)
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    assert await Relay(engine, js, pace=QUICK).drain() == 0
    assert outbox(engine)[0].last_error == "larger than the stream takes"


async def test_only_one_relay_is_active(engine: Engine, season: str, js: JetStreamContext) -> None:
    first, second = (Relay(engine, js, holder, QUICK) for holder in ("one", "two"))
    async with relaying(first):
        make_case(engine, season=season, state=State.PROVINCE_REVIEW)
        await until(lambda: waiting(engine) == 0)
        assert not take_lease(engine, LEASE, "two", datetime.now(UTC), 1)
        async with relaying(second):
            make_case(engine, season=season, state=State.PROVINCE_REVIEW)
            await until(lambda: waiting(engine) == 0)
    assert take_lease(engine, LEASE, "two", datetime.now(UTC), 1)  # given up at the end
    await assert_announced(engine, js)


async def test_two_active_relays_only_make_duplicates(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    for _ in range(5):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    relays = [Relay(engine, js, holder, RelayPace(batch=4)) for holder in ("one", "two")]
    while waiting(engine):
        await asyncio.gather(*(relay.drain() for relay in relays))
    assert len(await messages(js)) == 15
    await assert_announced(engine, js)


async def test_it_waits_for_a_database_that_is_away(
    engine: Engine, season: str, js: JetStreamContext, database_away: Away
) -> None:
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    with capture_logs() as logs, database_away():
        stop = asyncio.Event()
        task = asyncio.create_task(Relay(engine, js, pace=QUICK).run(stop))
        await until(lambda: any(line["event"] == "relay_waits" for line in logs))
    await until(lambda: waiting(engine) == 0)
    stop.set()
    await task
    await assert_announced(engine, js)


def test_a_lease_falls_free_when_it_expires(engine: Engine) -> None:
    now = datetime.now(UTC)
    assert take_lease(engine, "a", "one", now, 5)
    assert not take_lease(engine, "a", "two", now + timedelta(seconds=4), 5)
    assert take_lease(engine, "a", "one", now + timedelta(seconds=4), 5)
    assert not take_lease(engine, "a", "two", now + timedelta(seconds=8), 5)
    assert take_lease(engine, "a", "two", now + timedelta(seconds=9), 5)
    release_lease(engine, "a", "one")
    assert not take_lease(engine, "a", "three", now + timedelta(seconds=10), 5)
    release_lease(engine, "a", "two")
    assert take_lease(engine, "a", "three", now + timedelta(seconds=10), 5)


def test_the_lease_of_a_process_that_died_here_is_free_at_once(engine: Engine) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    now, host = datetime.now(UTC), os.uname().nodename
    assert take_lease(engine, "a", f"{host}:{process.pid}", now, 5)
    assert take_lease(engine, "a", f"{host}:{os.getpid()}", now, 5)
    assert not take_lease(engine, "a", "elsewhere:1", now, 5)


def test_rows_of_cases_left_alone_are_not_read(engine: Engine, season: str) -> None:
    cases = [make_case(engine, season=season, state=State.PROVINCE_REVIEW) for _ in range(2)]
    assert [row.case_id for row in read_unpublished(engine, 9, cases[:1])] == cases[1:]


async def test_streams_are_made_once_and_kept_as_they_should_be(js: JetStreamContext) -> None:
    made = await js.stream_info(EVENTS)
    await js.update_stream(made.config, max_bytes=1_000_000, max_msg_size=10)
    await ensure_streams(js)
    after = await js.stream_info(EVENTS)
    assert (after.created, after.config.max_msg_size) == (made.created, 65_536)
    assert after.config.max_bytes == 1_000_000  # a size is the operator's own affair
    with pytest.raises(APIError):
        await js.purge_stream(EVENTS)
    with capture_logs() as logs:
        await ensure_streams(js)
    assert logs == []
