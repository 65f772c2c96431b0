"""The notify worker: it tells people of events, and sends the mails that this leaves."""

import asyncio

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine

from workers.consumers import consume
from workers.notify.handler import NotifyHandler
from workers.notify.mail import MailSettings
from workers.notify.queue import Patience
from workers.notify.sender import Sender
from workers.notify.transports import open_transport

_log = structlog.get_logger(__name__)


async def run(
    js: JetStreamContext,
    engine: Engine,
    settings: MailSettings,
    stop: asyncio.Event,
    patience: Patience | None = None,
) -> None:
    """Work until `stop`.

    Args:
        js: JetStream.
        engine: The record, which holds inboxes and deliveries too.
        settings: How mail leaves: a server, or else a folder.
        stop: Ends both after what is in hand.
        patience: How long mails are tried.

    Raises:
        ValueError: The settings name neither a server nor a folder.
    """
    sender = Sender(engine, open_transport(settings), patience)
    _log.info("mails_leave", by="folder" if settings.host is None else "smtp")
    handler = NotifyHandler(engine, told=sender.wake)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.run(stop))
        group.create_task(consume(js, handler, engine, stop, ordered=False))
