"""Retry a dead letter: hand its message once more to the consumer that gave it up."""

import asyncio
from collections.abc import Callable, Mapping

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from sqlalchemy import Engine, select
from sqlalchemy.exc import InterfaceError, OperationalError

from models import tables
from models.refusals import Refused
from models.store.engine import reading
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import EVENTS
from services.stream.dead_letters import DeadLetterView, read_open_dead_letter, settle

type HandleMessage = Callable[[str, bytes, int], None]
"""Does what a consumer does with a message: its subject, its bytes, its place in the stream."""


async def retry(
    engine: Engine,
    letter_id: str,
    consumers: Mapping[str, HandleMessage],
    js: JetStreamContext | None,
    by: str,
) -> DeadLetterView:
    """Handle a message once more, and settle its dead letter.

    Args:
        engine: The record, which has the bytes of every event of ours.
        letter_id: The dead letter.
        consumers: Each consumer's work, by its name.
        js: Where a message is read that the record does not know; None: NATS is unavailable.
        by: Who asks for it.

    Raises:
        Refused: There is no such dead letter, nobody can handle it here, or it fails again.
    """
    found = read_open_dead_letter(engine, letter_id)
    handle = consumers.get(found.consumer)
    if handle is None:
        raise Refused("unknown_consumer", f"没有名为 {found.consumer} 的消费者。")
    body = await asyncio.to_thread(_on_record, engine, found) or await _on_stream(js, found)
    try:
        await asyncio.to_thread(handle, found.subject, body, found.stream_seq)
    except (Refused, OperationalError, InterfaceError):  # says itself what is wrong
        raise
    except Exception as error:
        message = f"仍然办不了：{type(error).__name__}。详情见 {found.consumer} 的日志。"
        raise Refused("event_failed", message) from error
    return settle(engine, letter_id, DeadLetterStatus.RETRIED, by)


def _on_record(engine: Engine, found: DeadLetterView) -> bytes | None:
    outbox = tables.outbox.c
    query = select(outbox.body).where(outbox.subject == found.subject)
    if found.case_id is not None:  # which has an index
        query = query.where(outbox.case_id == found.case_id)
    with reading(engine) as connection:
        body: str | None = connection.scalar(query)
    return None if body is None else body.encode()


async def _on_stream(js: JetStreamContext | None, found: DeadLetterView) -> bytes:
    gone = Refused("event_gone", f"记录与事件流中都没有 {found.subject}。")
    if js is None:
        raise gone
    try:
        return (await js.get_last_msg(EVENTS, found.subject)).data or b""
    except NotFoundError as error:
        raise gone from error
