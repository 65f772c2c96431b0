"""What the commands of `tuixuan dead-letter` do."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from sqlalchemy import Engine

from cli.office import quiet_logs
from cli.options import options
from cli.output import say, show
from cli.record import record
from cli.stream import stream
from models.refusals import Refused
from services.dead_letters import DeadLetters, HandOver
from workers.consumers import Handler
from workers.incoming import UnreadableError, read_event
from workers.nats_connection import DEAD
from workers.notify.handler import NotifyHandler

COLUMNS = {
    "id": "编号",
    "consumer": "消费者",
    "event_id": "事件",
    "why": "原因",
    "deliveries": "次数",
    "at": "时间",
}


def list_all() -> None:
    """Show the dead letters."""
    items = asyncio.run(_with_letters(DeadLetters.list))
    show({"items": items, "next_cursor": None}, COLUMNS)


def retry_one(letter_id: str) -> None:
    """Try one of them once more."""
    with record() as engine:
        done = asyncio.run(
            _with_letters(lambda letters: letters.retry(letter_id, consumers(engine)))
        )
    show(done)
    say("已补办，并从死信中移除。")


def consumers(engine: Engine) -> Mapping[str, HandOver]:
    """Return what each consumer that gives events up does with one. The audit never does."""
    handlers: list[Handler] = [NotifyHandler(engine)]
    return {handler.name: _hand_over(handler) for handler in handlers}


def _hand_over(handler: Handler) -> HandOver:
    def hand_over(subject: str, data: bytes, stream_seq: int) -> None:
        try:
            event, body = read_event(subject, data)
        except UnreadableError as error:
            raise Refused("unreadable_event", f"不是推选系统的事件：{error}") from error
        handler.apply(event, body, stream_seq)

    return hand_over


async def _with_letters[T](work: Callable[[DeadLetters], Coroutine[Any, Any, T]]) -> T:
    quiet_logs()
    async with stream(options().settings(), "dead-letter") as js:
        return await work(DeadLetters(js, DEAD))
