"""Sends the deliveries that wait by one channel, each until it is out or set aside."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import batched

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from models.notifications.delivery import Channel
from models.notifications.retries import DeliveryRetries
from services.clock import SharedClock
from services.notifications.queue import DeliveryQueue, TakenDelivery
from workers.logs.redaction import kept_text
from workers.notify.transport import (
    DeferredError,
    NotSentError,
    RejectedError,
    Transport,
    TransportUnavailable,
)

LONGEST_ERROR = 500
"""Characters of a server's answer that are kept."""

_log = structlog.get_logger(__name__)


class Sender:
    """The sender of a channel. It holds no transaction while it sends.

    A message may go out twice, if the sender dies between the server's answer and its own
    note; both have the same id.
    """

    def __init__(
        self,
        engine: Engine,
        transport: Transport,
        retries: DeliveryRetries | None = None,
        channel: Channel = Channel.MAIL,
        at_once: int = 1,
    ) -> None:
        """Compose.

        Args:
            engine: The record.
            transport: The way out.
            retries: How long to try.
            channel: Whose deliveries.
            at_once: Under way at the same time, each to another recipient; 1 if all go
                by one server.
        """
        self._retries, self._at_once = retries or DeliveryRetries(), at_once
        self._queue = DeliveryQueue(engine, self._retries, channel, SharedClock(engine))
        self._due: Callable[[], list[str]] = (
            self._queue.due_by_recipient if at_once > 1 else self._queue.due
        )
        self._transport = transport
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look for due deliveries now and not only at the next poll; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; an unavailable server or database does not end it."""
        self._loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._wake.clear()
            try:
                available = await self.send_due(stop)
            except DBAPIError:
                _log.exception("deliveries_unreadable")
                available = False
            if available:
                await _first_of(stop, self._wake, within=self._retries.poll)
            else:
                await _first_of(stop, within=self._retries.unavailable)

    async def send_due(self, stop: asyncio.Event | None = None) -> bool:
        """Send what is due now, so many at once.

        Returns:
            Whether the server is available. Once it is not, the rest of what is due is left
            alone: each would only wait as long for the same answer.
        """
        try:
            while due := await asyncio.to_thread(self._due):
                for some in batched(due, self._at_once):
                    if stop is not None and stop.is_set():
                        return True
                    if not all(await asyncio.gather(*map(self._take_and_send, some))):
                        return False
            return True
        finally:
            await self._transport.rest()

    async def _take_and_send(self, delivery_id: str) -> bool:
        taken = await asyncio.to_thread(self._queue.take, delivery_id)
        return taken is None or await self._send(taken)

    async def _send(self, taken: TakenDelivery) -> bool:
        """Send one message and write down how it went; return whether the server is available."""
        log = _log.bind(delivery_id=taken.ids[0], case_id=taken.case_id, attempt=taken.attempt)
        error = await self._try(taken)
        if error is None:
            await asyncio.to_thread(self._queue.sent, taken)
            log.info("delivery_sent")
            return True
        why = _without_address(error, taken)
        if isinstance(error, TransportUnavailable):
            await asyncio.to_thread(self._queue.given_back, taken, why)
            log.warning("mail_server_away", smtp_code=error.code)
            return False
        if isinstance(error, DeferredError) and taken.attempt < self._retries.attempts:
            await asyncio.to_thread(self._queue.deferred, taken, why)
            log.warning("delivery_deferred", smtp_code=error.code)
        else:
            await asyncio.to_thread(self._queue.failed, taken, why)
            log.error("delivery_failed", smtp_code=error.code)
        return True

    async def _try(self, taken: TakenDelivery) -> NotSentError | None:
        """Return why the message is not out; None: it is."""
        if taken.message is None:
            return RejectedError("the recipient has no address")
        if taken.attempt > self._retries.attempts:
            return RejectedError("earlier attempts ended without a word")
        try:
            await self._transport.send(taken.message)
        except NotSentError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the others are not to wait for this one
            return DeferredError(type(error).__name__)
        return None


def _without_address(error: NotSentError, taken: TakenDelivery) -> str:
    """Return what went wrong, without the address that servers like to repeat."""
    words = " ".join(str(error).split())
    if taken.message is not None:
        words = words.replace(taken.message.to, "<recipient>")
    return kept_text(words, LONGEST_ERROR)


async def _first_of(*events: asyncio.Event, within: timedelta) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(
            waits, timeout=within.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for wait in waits:
            wait.cancel()
