"""What the server itself knows of events that a consumer gave up, put on record.

A consumer that crashed on an event each time wrote no letter; the server's advisory, in a
stream of its own, is all that tells of it.
"""

import asyncio
import json
from datetime import datetime
from typing import Any

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from sqlalchemy import Engine, select

from models.store.engine import reading
from models.stream.names import EVENTS
from models.tables import Outbox, table_of
from services.stream.dead_letters import NewDeadLetter, add_letter

CRASHED = "MAX_DELIVERIES: the consumer never answered"
"""What the server knows of an event on which a consumer died each time."""

_OUTBOX = table_of(Outbox).c


async def take_up(engine: Engine, js: JetStreamContext, dead: str) -> int:
    """Put every advisory on record as a dead letter, then remove it; return how many.

    Args:
        engine: The record.
        js: JetStream.
        dead: The name of the stream that holds the advisories.
    """
    taken = 0
    while (message := await _next(js, dead)) is not None:
        advisory: dict[str, Any] = json.loads(message.data or b"{}")
        place = int(advisory["stream_seq"])
        letter = NewDeadLetter(
            consumer=advisory["consumer"],
            subject=await _subject(engine, js, place),
            stream_seq=place,
            reason=advisory.get("reason") or CRASHED,
            deliveries=advisory["deliveries"],
            at=datetime.fromisoformat(advisory["timestamp"]),
        )
        await asyncio.to_thread(add_letter, engine, letter)
        await js.delete_msg(dead, int(message.seq or 0))
        taken += 1
    return taken


async def _next(js: JetStreamContext, dead: str) -> RawStreamMsg | None:
    try:
        return await js.get_msg(dead, 1, subject=">", next=True)
    except NotFoundError:
        return None


async def _subject(engine: Engine, js: JetStreamContext, place: int) -> str:
    """Return the subject at a place of the stream; the record remembers one that is gone."""
    try:
        return str((await js.get_msg(EVENTS, place)).subject)
    except NotFoundError:
        return await asyncio.to_thread(_on_record, engine, place) or f"{EVENTS}#{place}"


def _on_record(engine: Engine, place: int) -> str | None:
    with reading(engine) as connection:
        found: str | None = connection.scalar(
            select(_OUTBOX.subject).where(_OUTBOX.stream_seq == place).limit(1)
        )
    return found
