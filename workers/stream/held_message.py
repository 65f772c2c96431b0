"""A message in a consumer's hands: kept while its work is done, then answered."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from nats.aio.msg import Msg
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from workers.stream.incoming import read_event
from workers.stream.pace import ConsumerPace

SQL_UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeoutError)
LONGEST_DELAY = 30.0
"""Seconds after which a message that cannot be handled comes again at the latest."""

_FIRST_WAIT = 0.05
_LONGEST_ERROR = 200

log = structlog.get_logger(__name__)


class Stopping(Exception):
    """The process ends while a database is unavailable; the message goes back."""


class HeldMessage:
    """One message, and all that is needed to work on it for as long as it takes.

    Attributes:
        pace: How its consumer works.
        log: Names the consumer in each line.
    """

    def __init__(
        self, message: Msg, consumer: Durable, pace: ConsumerPace, stop: asyncio.Event
    ) -> None:
        self.pace = pace
        self.log: Any = log.bind(consumer=consumer)
        self._message, self._stop = message, stop

    @property
    def subject(self) -> str:
        """The subject under which it was published."""
        return self._message.subject

    @property
    def data(self) -> bytes:
        """What it says."""
        return self._message.data

    @property
    def place(self) -> int:
        """Its place in the stream."""
        return self._message.metadata.sequence.stream

    def read(self) -> IncomingEvent:
        """Return the event that it is.

        Raises:
            UnreadableError: It is none of ours.
        """
        return read_event(self.subject, self.data, self.place)

    @property
    def deliveries(self) -> int:
        """How often it was delivered, this time included."""
        return self._message.metadata.num_delivered

    async def work[Answer](self, call: Callable[[], Answer]) -> Answer:
        """Call in a thread until the database answers; meanwhile the message stays ours.

        Raises:
            Stopping: The process ends.
        """
        return await work([self], call)

    async def wait(self, seconds: float) -> None:
        """Tell the server that it is still ours, and wait a while.

        Raises:
            Stopping: The process ends.
        """
        await self.keep()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        if self._stop.is_set():
            raise Stopping

    async def keep(self) -> None:
        """Tell the server that it is still ours."""
        await self._message.in_progress()

    async def acknowledge(self) -> None:
        """Tell the server that it is done, and wait until the server knows."""
        await self._message.ack_sync(timeout=2)

    async def send_back(self, delay: float | None = None) -> None:
        """Have it come again, at once or after so many seconds."""
        await self._message.nak(delay=delay)

    async def terminate(self, why: str) -> None:
        """Have it never come again; the server's advisory says why.

        The client's own `Msg.term` gives no reason.
        """
        await self._message.respond(f"+TERM {why}".encode())


async def work[Answer](held: Sequence[HeldMessage], call: Callable[[], Answer]) -> Answer:
    """Call in a thread until the database answers; meanwhile all these messages stay ours.

    Raises:
        Stopping: The process ends.
    """
    first, wait = held[0], _FIRST_WAIT
    while True:
        try:
            return await asyncio.to_thread(call)
        except SQL_UNAVAILABLE as error:
            first.log.warning("database_away", error=str(error)[:_LONGEST_ERROR])
        for each in held[1:]:
            await each.keep()
        await first.wait(wait)
        wait = min(2 * wait, first.pace.backoff)
