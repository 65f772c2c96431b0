"""Whatever the relay lives through: in the stream once, in order, as the outbox has it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS
from models.cases.events import CaseEvent
from models.cases.lifecycle import RULES
from models.cases.states import State
from models.stream.names import EVENTS
from services.stream.outbox import read_unpublished
from tests.factories import PATHS, ROOT, commit, make_case
from tests.integration.stream.relaying import QUICK, Away, assert_announced, relaying
from tests.servers import Nats
from tests.streams import messages, outbox, waiting
from tests.waiting import until
from workers.stream.relay import Relay, RelayPace


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


def test_rows_of_cases_left_alone_are_not_read(engine: Engine, season: str) -> None:
    cases = [make_case(engine, season=season, state=State.PROVINCE_REVIEW) for _ in range(2)]
    assert [row.case_id for row in read_unpublished(engine, 9, cases[:1])] == cases[1:]
