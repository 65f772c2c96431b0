"""Sends what waits: a few at a time to each endpoint, so that none waits for another."""

import asyncio
import contextlib
import time
from collections import defaultdict
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from workers.webhook.post import Poster
from workers.webhook.queue import Due, Endpoint, Result, WebhookQueue
from workers.webhook.retries import STEADY, WebhookRetries

_log = structlog.get_logger(__name__)


@dataclass
class _Health:
    """What this process knows of an endpoint: it is gone with it, and nothing is lost.

    `not_noted`: what went out and could not be written down; this process lets it lie.
    """

    failures: int = 0
    not_before: float = 0.0
    under_way: set[str] = field(default_factory=set)
    not_noted: set[str] = field(default_factory=set)

    def room(self, patience: WebhookRetries) -> int:
        """Return how many messages may be under way beside those that are."""
        if time.monotonic() < self.not_before:
            return 0
        most = 1 if self.failures >= patience.outage else patience.at_once
        return max(0, most - len(self.under_way))


class WebhookSender:
    """The one sender of a record. It holds no transaction while it sends.

    A message may go out twice, when the sender dies between the receiver's word and its own
    note; both have the same `webhook-id`.
    """

    def __init__(self, engine: Engine, poster: Poster, patience: WebhookRetries = STEADY) -> None:
        """Take the record, the way out, and how long to try."""
        self._queue, self._poster, self._patience = WebhookQueue(engine, patience), poster, patience
        self._health: defaultdict[str, _Health] = defaultdict(_Health)
        self._results: list[Result] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look for due messages now and not only at the next poll; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; then wait for what is under way."""
        self._loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._wake.clear()
            try:
                await self._settle()
                await self._begin_due()
            except SQLAlchemyError:
                _log.exception("webhooks_unreadable")
                await asyncio.sleep(1)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._patience.poll)
            await asyncio.sleep(self._patience.flush)
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._settle()

    async def _begin_due(self) -> None:
        for endpoint in await asyncio.to_thread(self._queue.endpoints):
            health = self._health[endpoint.id]
            room = health.room(self._patience)
            if room == 0:
                continue
            under_way = health.under_way | health.not_noted
            found = await asyncio.to_thread(self._queue.due, endpoint.id, room, under_way)
            for due in found:
                if not health.room(self._patience):
                    break
                self._begin(endpoint, due, health)

    def _begin(self, endpoint: Endpoint, due: Due, health: _Health) -> None:
        health.under_way.add(due.id)
        if endpoint.rate is not None:
            health.not_before = max(health.not_before, time.monotonic()) + 1 / endpoint.rate
        task = asyncio.create_task(self._send(endpoint, due, health))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, endpoint: Endpoint, due: Due, health: _Health) -> None:
        answer = await self._poster.post(endpoint.url, due.event_id, due.body, endpoint.secrets)
        failures = health.failures + (not answer.taken)
        self._results.append(Result(due, answer, failures))
        if answer.taken:
            health.failures = 0
        else:
            health.failures = failures
            if failures >= self._patience.outage:
                wait = self._patience.between_probes(failures - self._patience.outage + 1)
                health.not_before = time.monotonic() + wait.total_seconds()
        _log.info(
            "webhook_attempted",
            endpoint_id=endpoint.id,
            event_id=due.event_id,
            attempt=due.attempt,
            status=answer.status,
            latency_ms=answer.latency_ms,
            outcome="taken" if answer.taken else "not_taken",
        )
        self._wake.set()

    async def _settle(self) -> None:
        """Write what is known; until it is written, the case's next message stays where it is."""
        results = list(self._results)
        if not results:
            return
        try:
            await asyncio.to_thread(self._queue.note, results)
        except (IntegrityError, DataError):
            for each in results:
                await self._note_alone(each)
        del self._results[: len(results)]
        for each in results:
            self._health[each.due.endpoint_id].under_way.discard(each.due.id)

    async def _note_alone(self, result: Result) -> None:
        """Write one of several of which one cannot be written: the others are not its fault."""
        try:
            await asyncio.to_thread(self._queue.note, [result])
        except (IntegrityError, DataError):
            _log.exception("attempt_not_noted", alarm=True, delivery_id=result.due.id)
            self._health[result.due.endpoint_id].not_noted.add(result.due.id)
