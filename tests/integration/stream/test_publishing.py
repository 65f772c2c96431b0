"""Each answer of the stream is understood: there already, full, too big, or foreign."""

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.cases.states import State
from models.stream.names import EVENTS
from tests.factories import make_case
from tests.integration.stream.relaying import QUICK, assert_announced, relaying
from tests.streams import messages, outbox
from tests.waiting import until
from workers.stream.jetstream import ensure_streams
from workers.stream.publishing import StreamUnavailable
from workers.stream.relay import Relay


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
