"""Sends the mails that wait, each until it is out or set aside."""

import asyncio
from datetime import timedelta
from itertools import batched

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from models.notifications.delivery import Channel
from workers.logs.redaction import kept_text
from workers.notify.queue import DeliveryRetries, DueDelivery, Queue
from workers.notify.transports import (
    DeferredError,
    NotSentError,
    RejectedError,
    Transport,
    TransportUnavailable,
)

LONGEST_ERROR = 500
"""Characters of what a server said that are kept."""

_log = structlog.get_logger(__name__)


class Sender:
    """One sender. It holds no transaction while it sends.

    A mail may go out twice, when the sender dies between the server's word and its own
    note; both have the same Message-ID.
    """

    def __init__(
        self,
        engine: Engine,
        transport: Transport,
        patience: DeliveryRetries | None = None,
        channel: Channel = Channel.MAIL,
        at_once: int = 1,
    ) -> None:
        """Take the record.

        Args:
            engine: The record.
            transport: The way out.
            patience: How long to try.
            channel: Whose deliveries.
            at_once: Under way at the same time, each to another recipient; 1 where all go
                by one server.
        """
        self._patience, self._at_once = patience or DeliveryRetries(), at_once
        self._queue = Queue(engine, self._patience, channel, one_each=at_once > 1)
        self._transport = transport
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look for due mails now and not only at the next poll; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; a server or a database that is away does not end it."""
        self._loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._wake.clear()
            try:
                away = not await self.send_due(stop)
            except DBAPIError:
                _log.exception("deliveries_unreadable")
                away = True
            if away:
                await _first_of(stop, within=self._patience.away)
            else:
                await _first_of(stop, self._wake, within=self._patience.poll)

    async def send_due(self, stop: asyncio.Event | None = None) -> bool:
        """Send what is due now, so many at once.

        Returns:
            Whether the server is there. Once it is not, the rest of what is due is left
            alone: each would only wait as long for the same answer.
        """
        while due := await asyncio.to_thread(self._queue.due):
            for some in batched(due, self._at_once):
                if stop is not None and stop.is_set():
                    return True
                if not all(await asyncio.gather(*map(self._take_and_send, some))):
                    return False
        return True

    async def _take_and_send(self, delivery_id: str) -> bool:
        taken = await asyncio.to_thread(self._queue.take, delivery_id)
        return taken is None or await self._send(taken)

    async def _send(self, taken: DueDelivery) -> bool:
        """Send one mail and note how it went; tell whether the server is there."""
        log = _log.bind(delivery_id=taken.ids[0], case_id=taken.case_id, attempt=taken.attempt)
        error = await self._try(taken)
        if error is None:
            await asyncio.to_thread(self._queue.sent, taken)
            log.info("delivery_sent")
            return True
        why = _visible(error, taken)
        if isinstance(error, TransportUnavailable):
            await asyncio.to_thread(self._queue.given_back, taken, why)
            log.warning("mail_server_away", smtp_code=error.code)
            return False
        if isinstance(error, DeferredError) and taken.attempt < self._patience.attempts:
            await asyncio.to_thread(self._queue.deferred, taken, why)
            log.warning("delivery_deferred", smtp_code=error.code)
        else:
            await asyncio.to_thread(self._queue.failed, taken, why)
            log.error("delivery_failed", smtp_code=error.code)
        return True

    async def _try(self, taken: DueDelivery) -> NotSentError | None:
        """Return why the mail is not out; None: it is."""
        if taken.letter is None:
            return RejectedError("the recipient has no address")
        if taken.attempt > self._patience.attempts:
            return RejectedError("earlier attempts ended without a word")
        try:
            await self._transport.send(taken.letter)
        except NotSentError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the others are not to wait for this one
            return DeferredError(type(error).__name__)
        return None


def _visible(error: NotSentError, taken: DueDelivery) -> str:
    """Return what went wrong, without the address that servers like to repeat."""
    said = " ".join(str(error).split())
    if taken.letter is not None:
        said = said.replace(taken.letter.to, "<recipient>")
    return kept_text(said, LONGEST_ERROR)


async def _first_of(*events: asyncio.Event, within: timedelta) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(
            waits, timeout=within.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for wait in waits:
            wait.cancel()
