"""The server's own advisories of messages that a consumer gave up, recorded as dead letters.

A consumer that crashed on a message each time wrote no dead letter; the server's advisory, in a
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

from models import tables
from models.store.engine import reading
from models.stream.names import ADVISORIES, EVENTS
from services.stream.dead_letters import NewDeadLetter, add_dead_letter

CRASHED = "MAX_DELIVERIES: the consumer never answered"
"""The reason where an advisory gives none."""


async def record_advisories(engine: Engine, js: JetStreamContext) -> int:
    """Turn every advisory into a dead letter, then remove it; return how many there were."""
    recorded = 0
    while (message := await _next(js)) is not None:
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
        await asyncio.to_thread(add_dead_letter, engine, letter)
        await js.delete_msg(ADVISORIES, int(message.seq or 0))
        recorded += 1
    return recorded


async def _next(js: JetStreamContext) -> RawStreamMsg | None:
    try:
        return await js.get_msg(ADVISORIES, 1, subject=">", next=True)
    except NotFoundError:
        return None


async def _subject(engine: Engine, js: JetStreamContext, place: int) -> str:
    """Return the subject at a place of the stream; if the stream lost it, the record knows it."""
    try:
        return str((await js.get_msg(EVENTS, place)).subject)
    except NotFoundError:
        return await asyncio.to_thread(_on_record, engine, place) or f"{EVENTS}#{place}"


def _on_record(engine: Engine, place: int) -> str | None:
    outbox = tables.outbox.c
    with reading(engine) as connection:
        found: str | None = connection.scalar(
            select(outbox.subject).where(outbox.stream_seq == place).limit(1)
        )
    return found
