"""Run the webhook worker: a consumer that fans events out to endpoints, and their sender."""

import asyncio
from contextlib import aclosing

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.webhooks.retries import STEADY, WebhookRetries
from services.clock import SharedClock
from services.webhooks.secret_box import SecretUnreadable
from services.webhooks.secrets import seal_all
from workers.settings.webhook import WebhookSettings
from workers.stream.consumer import Consumer
from workers.stream.handing_over import InOrder
from workers.stream.pace import STEADY as CONSUMING
from workers.stream.pace import ConsumerPace
from workers.webhook.handler import WebhookHandler
from workers.webhook.post import Poster
from workers.webhook.sender import WebhookSender

_log = structlog.get_logger(__name__)


async def run(  # noqa: PLR0913 - the stream, the record, and how
    js: JetStreamContext,
    engine: Engine,
    settings: WebhookSettings,
    stop: asyncio.Event,
    retries: WebhookRetries = STEADY,
    pace: ConsumerPace = CONSUMING,
) -> None:
    """Work until `stop`.

    Args:
        js: JetStream.
        engine: The record, which holds endpoints and deliveries too.
        settings: Where messages may go.
        stop: Ends both after what is in hand.
        retries: How long messages are tried.
        pace: How events are consumed.
    """
    try:
        if sealed := await asyncio.to_thread(seal_all, engine):
            _log.info("secrets_sealed", secrets=sealed)
    except SecretUnreadable as error:
        _log.error("secrets_not_sealed", alarm=True, why=str(error))
    async with aclosing(Poster(settings)) as poster:
        sender = WebhookSender(engine, poster, retries)
        handler = WebhookHandler(engine, queued=sender.wake, clock=SharedClock(engine))
        in_order = InOrder(handler, engine, skip=handler.skip)
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.run(stop))
            group.create_task(Consumer(js, in_order, engine, stop, pace).run())
