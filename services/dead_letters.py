"""Events that a consumer gave up: which, why, and one more try.

The server itself keeps an advisory of each in a stream of its own, also where the
consumer crashed on it and could say nothing.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import InterfaceError, OperationalError

from models.events import STREAM
from models.refusals import Refused

MOST_AT_ONCE = 200
CRASHED = "MAX_DELIVERIES: the consumer never answered"
"""What the server knows of an event on which a consumer died each time."""

type HandOver = Callable[[str, bytes, int], None]
"""Does what a consumer does with a message: its subject, its bytes, its place in the stream."""


class DeadLetter(BaseModel):
    """An event that a consumer gave up.

    Attributes:
        id: Its number among the dead letters.
        consumer: Who gave it up; the others may have done their part.
        stream_seq: The event's place in the stream.
        event_id: `case_id:seq`; None: its subject is not one of ours, or it is gone.
        why: What the consumer said.
        deliveries: How often it was tried.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    consumer: str
    stream_seq: int
    event_id: str | None
    why: str
    deliveries: int
    at: datetime


class DeadLetters:
    """The dead letters of a stream."""

    def __init__(self, js: JetStreamContext, dead: str) -> None:
        """Take JetStream, and the name of the stream that holds the advisories."""
        self._js, self._dead = js, dead

    async def list(self) -> list[DeadLetter]:
        """Return the oldest `MOST_AT_ONCE`, each event once for each consumer."""
        found: dict[tuple[str, int], DeadLetter] = {}
        place = 1
        while len(found) < MOST_AT_ONCE and (message := await self._next(place)) is not None:
            letter = await self._letter(message)
            # The newest word on an event counts, in the place of the first.
            found[letter.consumer, letter.stream_seq] = letter
            place = int(letter.id) + 1
        return [*found.values()]

    async def retry(self, letter_id: str, consumers: Mapping[str, HandOver]) -> DeadLetter:
        """Hand an event once more to the consumer that gave it up; gone from the list then.

        Args:
            letter_id: Which.
            consumers: Each consumer's work, by its name.

        Raises:
            Refused: There is no such letter, nobody can do it here, or it fails again.
        """
        letter = await self._one(letter_id)
        hand_over = consumers.get(letter.consumer)
        if hand_over is None:
            raise Refused("unknown_consumer", f"没有名为 {letter.consumer} 的消费者。")
        try:
            event = await self._js.get_msg(STREAM, letter.stream_seq)
            subject, body = str(event.subject), event.data or b""
            await asyncio.to_thread(hand_over, subject, body, letter.stream_seq)
        except NotFoundError as error:
            raise Refused("event_gone", f"事件流中已没有第 {letter.stream_seq} 条。") from error
        except (Refused, OperationalError, InterfaceError):  # a database that is away says so
            raise
        except Exception as error:
            message = f"仍然办不了：{type(error).__name__}。详情见 {letter.consumer} 的日志。"
            raise Refused("event_failed", message) from error
        await self._bury(letter)
        return letter

    async def _bury(self, done: DeadLetter) -> None:
        """Take every advisory of an event off the list."""
        place = 1
        while (message := await self._next(place)) is not None:
            place = int(message.seq or 0) + 1
            advisory = json.loads(message.data or b"{}")
            if (advisory["consumer"], advisory["stream_seq"]) == (done.consumer, done.stream_seq):
                await self._js.delete_msg(self._dead, place - 1)

    async def _one(self, letter_id: str) -> DeadLetter:
        unknown = Refused("unknown_dead_letter", f"没有死信 {letter_id}。")
        if not letter_id.isdecimal() or letter_id == "0":
            raise unknown
        try:
            return await self._letter(await self._js.get_msg(self._dead, int(letter_id)))
        except NotFoundError as error:
            raise unknown from error

    async def _next(self, place: int) -> RawStreamMsg | None:
        try:
            return await self._js.get_msg(self._dead, place, subject=">", next=True)
        except NotFoundError:
            return None

    async def _letter(self, message: RawStreamMsg) -> DeadLetter:
        advisory: dict[str, Any] = json.loads(message.data or b"{}")
        return DeadLetter(
            id=str(message.seq),
            consumer=advisory["consumer"],
            stream_seq=advisory["stream_seq"],
            event_id=await self._event_id(advisory["stream_seq"]),
            why=advisory.get("reason") or CRASHED,
            deliveries=advisory["deliveries"],
            at=advisory["timestamp"],
        )

    async def _event_id(self, stream_seq: int) -> str | None:
        try:
            subject = (await self._js.get_msg(STREAM, stream_seq)).subject or ""
        except NotFoundError:
            return None
        *_, case_id, seq = ("", *subject.split("."))
        return f"{case_id}:{seq}" if seq.isdecimal() else None
