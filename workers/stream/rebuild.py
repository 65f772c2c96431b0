"""Make the streams anew after NATS lost its store, and publish again what they held."""

import asyncio
import time
from dataclasses import dataclass

from nats.js import JetStreamContext
from pydantic import BaseModel
from sqlalchemy import Engine, func, select

from models.store.engine import reading
from models.tables import Outbox, table_of
from services.stream.losses import count_messages, give_back, lost_events
from workers.stream.connection import ensure_streams

LOOK_AGAIN_SECONDS = 0.2

_OUTBOX = table_of(Outbox).c


class Rebuilt(BaseModel):
    """What a rebuild came to.

    Attributes:
        ok: The stream holds every event on record.
        given_back: How many events it had lost.
        waiting: How many the relay has still to publish.
        messages: How many the stream holds now.
    """

    ok: bool
    given_back: int
    waiting: int
    messages: int


@dataclass(frozen=True)
class _Outbox:
    waiting: int
    all: int


async def rebuild(engine: Engine, js: JetStreamContext, patience: float) -> Rebuilt:
    """Make the streams if they are gone, and have every lost event published again.

    The running relay publishes; consumers that begin at the first event again know by their
    cursors what they have done.

    Args:
        engine: The record.
        js: JetStream of the new server.
        patience: Seconds to wait for the relay. It may mark as published, a moment later,
            what only the old stream held: so the stream is looked at again at the end.
    """
    await ensure_streams(js)
    end = time.monotonic() + patience
    given_back = 0
    while True:
        lost = await lost_events(engine, js)
        given_back += await asyncio.to_thread(give_back, engine, lost)
        outbox = await asyncio.to_thread(_read, engine)
        while outbox.waiting and time.monotonic() < end:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            outbox = await asyncio.to_thread(_read, engine)
        if not lost or outbox.waiting:
            break
    messages = await count_messages(js)
    ok = not outbox.waiting and messages >= outbox.all
    return Rebuilt(ok=ok, given_back=given_back, waiting=outbox.waiting, messages=messages)


def _read(engine: Engine) -> _Outbox:
    query = select(func.count(), func.count(_OUTBOX.published_at)).select_from(table_of(Outbox))
    with reading(engine) as connection:
        all_, published = connection.execute(query).one()
    return _Outbox(waiting=all_ - published, all=all_)
