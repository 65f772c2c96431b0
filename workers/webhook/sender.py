"""Sends what is due: a few messages at a time to each endpoint, so that none waits for another."""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from models.webhooks.answers import Answer
from models.webhooks.retries import STEADY, WebhookRetries
from services.clock import SharedClock
from services.webhooks.outcomes import DueWebhook, Outcome
from services.webhooks.queue import DueEndpoint, Room, WebhookQueue
from workers.webhook.post import Poster

_UNWRITABLE = (IntegrityError, DataError)

_log = structlog.get_logger(__name__)


@dataclass
class _Health:
    """What this process knows of an endpoint; if the process dies, nothing is lost with it.

    `unwritten`: what was sent and whose outcome the database refused; it is not sent again here.
    """

    failures: int = 0
    not_before: float = 0.0
    under_way: set[str] = field(default_factory=set)
    unwritten: set[str] = field(default_factory=set)

    def room(self, retries: WebhookRetries) -> int:
        """Return how many more messages may be sent now."""
        if time.monotonic() < self.not_before:
            return 0
        most = 1 if self.failures >= retries.outage else retries.at_once
        return max(0, most - len(self.under_way))

    def note(self, answer: Answer, retries: WebhookRetries) -> int:
        """Count failures in a row, and probe after several; return how many there were."""
        failures = self.failures + (not answer.accepted)
        self.failures = 0 if answer.accepted else failures
        if not answer.accepted and failures >= retries.outage:
            wait = retries.between_probes(failures - retries.outage + 1)
            self.not_before = time.monotonic() + wait.total_seconds()
        return failures


class WebhookSender:
    """The one sender of a record. It holds no transaction while it sends.

    A message may be sent twice, if the sender dies between the receiver's answer and its own
    note; both have the same `webhook-id`.
    """

    def __init__(self, engine: Engine, poster: Poster, retries: WebhookRetries = STEADY) -> None:
        self._queue = WebhookQueue(engine, retries, SharedClock(engine))
        self._poster, self._retries = poster, retries
        self._health: defaultdict[str, _Health] = defaultdict(_Health)
        self._outcomes: list[Outcome] = []
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
                await self._write_outcomes()
                await self._begin_due()
            except SQLAlchemyError:
                _log.exception("webhooks_unreadable")
                await asyncio.sleep(1)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._retries.poll)
            await asyncio.sleep(self._retries.flush)
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._write_outcomes()

    async def _begin_due(self) -> None:
        for endpoint in await asyncio.to_thread(self._queue.due, self._room_of):
            health = self._health[endpoint.id]
            for due in endpoint.messages:
                if not health.room(self._retries):  # its rate
                    break
                self._begin(endpoint, due, health)

    def _room_of(self, endpoint_id: str) -> Room:
        health = self._health[endpoint_id]
        return Room(health.room(self._retries), health.under_way | health.unwritten)

    def _begin(self, endpoint: DueEndpoint, due: DueWebhook, health: _Health) -> None:
        health.under_way.add(due.id)
        if endpoint.rate is not None:
            health.not_before = max(health.not_before, time.monotonic()) + 1 / endpoint.rate
        task = asyncio.create_task(self._send(endpoint, due, health))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, endpoint: DueEndpoint, due: DueWebhook, health: _Health) -> None:
        answer = await self._poster.post(endpoint.url, due.event_id, due.body, endpoint.secrets)
        self._outcomes.append(Outcome(due, answer, health.note(answer, self._retries)))
        level = logging.DEBUG if answer.accepted else logging.INFO
        _log.log(
            level,
            "webhook_attempted",
            endpoint_id=endpoint.id,
            event_id=due.event_id,
            attempt=due.attempt,
            status=answer.status,
            latency_ms=answer.latency_ms,
            outcome="taken" if answer.accepted else "not_taken",
        )
        self._wake.set()

    async def _write_outcomes(self) -> None:
        """Write what is known; until it is written, the case's next message is not due."""
        outcomes = list(self._outcomes)
        if not outcomes:
            return
        try:
            await asyncio.to_thread(self._queue.record, outcomes)
        except _UNWRITABLE:
            for each in outcomes:
                await self._write_alone(each)
        del self._outcomes[: len(outcomes)]
        for each in outcomes:
            self._health[each.due.endpoint_id].under_way.discard(each.due.id)
        accepted = sum(each.answer.accepted for each in outcomes)
        _log.info("webhooks_attempted", accepted=accepted, refused=len(outcomes) - accepted)

    async def _write_alone(self, outcome: Outcome) -> None:
        """Retry outcomes one by one after a batch failed."""
        try:
            await asyncio.to_thread(self._queue.record, [outcome])
        except _UNWRITABLE:
            _log.exception("attempt_not_noted", alarm=True, delivery_id=outcome.due.id)
            self._health[outcome.due.endpoint_id].unwritten.add(outcome.due.id)
