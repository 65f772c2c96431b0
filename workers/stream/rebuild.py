"""Create the streams again after NATS lost its store, and have what they held published again."""

import asyncio
import time

from nats.js import JetStreamContext
from pydantic import BaseModel
from sqlalchemy import Engine

from services.stream.losses import count_messages, give_back, lost_events
from services.stream.outbox import count_outbox
from workers.stream.jetstream import ensure_streams

POLL_SECONDS = 0.2


class Rebuilt(BaseModel):
    """The outcome of a rebuild.

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


async def rebuild(engine: Engine, js: JetStreamContext, patience: float) -> Rebuilt:
    """Create the streams if they are gone, and have every lost event published again.

    The running relay publishes; consumers that begin at the first event again know by their
    cursors what they have done.

    Args:
        engine: The record.
        js: JetStream of the new server.
        patience: Seconds to wait for the relay. It may mark as published, a moment later,
            what only the old stream held: so the stream is compared again at the end.
    """
    await ensure_streams(js)
    end = time.monotonic() + patience
    given_back = 0
    while True:
        lost = await lost_events(engine, js)
        given_back += await asyncio.to_thread(give_back, engine, lost)
        outbox = await asyncio.to_thread(count_outbox, engine)
        while outbox.waiting and time.monotonic() < end:
            await asyncio.sleep(POLL_SECONDS)
            outbox = await asyncio.to_thread(count_outbox, engine)
        if not lost or outbox.waiting:
            break
    messages = await count_messages(js)
    ok = not outbox.waiting and messages >= outbox.total
    return Rebuilt(ok=ok, given_back=given_back, waiting=outbox.waiting, messages=messages)
