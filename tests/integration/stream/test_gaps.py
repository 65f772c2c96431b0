"""What is missing before an event is waited for, then read from the record."""

import contextlib
import json

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.cases.states import State
from models.stream.names import EVENTS, Durable
from tests.factories import make_case
from tests.integration.stream.notebooks import (
    PATIENT,
    Notebook,
    consuming,
    ids,
    publish,
)
from tests.streams import outbox
from tests.waiting import until
from workers.stream.handing_over import InOrder


async def test_an_event_that_comes_too_early_waits_for_the_one_before(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    make_case(engine, season=season, state=State.FORMAL_CHECK)
    first, second, third = outbox(engine)
    await publish(js, third, second)
    notebook = Notebook(engine)
    async with consuming(js, InOrder(notebook, engine), engine, PATIENT):
        await until(lambda: _delivered_again(js))
        assert notebook.lines() == []
        await publish(js, first)
        await until(lambda: len(notebook.lines()) == 3)
    assert notebook.lines() == [
        (each, place) for each, place in zip(ids([first, second, third]), (3, 2, 1), strict=True)
    ]


async def _delivered_again(js: JetStreamContext) -> bool:
    with contextlib.suppress(NotFoundError):
        info = await js.consumer_info(EVENTS, Durable.AUDIT)
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
    async with consuming(js, InOrder(notebook, engine), engine):
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
        async with consuming(js, InOrder(notebook, engine), engine):
            await until(lambda: any(line["event"] == "event_beyond_the_record" for line in logs))
    assert notebook.lines() == []
