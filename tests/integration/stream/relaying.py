"""A running relay, and what must be in the stream after it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from nats.js import JetStreamContext
from sqlalchemy import Engine

from tests.streams import messages, outbox
from workers.stream.relay import Relay, RelayPace

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
