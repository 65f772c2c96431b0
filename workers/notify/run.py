"""The notify worker: it tells people of events, and sends what this leaves, by each channel."""

import asyncio
from dataclasses import dataclass

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.notifications.delivery import Channel
from workers.notify.handler import NotifyHandler
from workers.notify.queue import DeliveryRetries
from workers.notify.sender import Sender
from workers.notify.transports import open_transport
from workers.settings.mail import MailSettings
from workers.settings.sms import SmsSettings
from workers.stream.consumer import Consumer
from workers.stream.handing_over import AsTheyCome

CHATS_AT_ONCE = 8
"""Each bot has a server of its own, and one that hangs keeps the others waiting no longer."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ways:
    """How what is told leaves: mail always, short messages where there is a gateway."""

    mail: MailSettings
    sms: SmsSettings | None = None


async def run(
    js: JetStreamContext,
    engine: Engine,
    ways: Ways,
    stop: asyncio.Event,
    patience: DeliveryRetries | None = None,
) -> None:
    """Work until `stop`.

    Args:
        js: JetStream.
        engine: The record, which holds inboxes and deliveries too.
        ways: How what is told leaves.
        stop: Ends all after what is in hand.
        patience: How long each is tried.

    Raises:
        ValueError: The settings name neither a server nor a folder.
    """
    senders = open_senders(engine, ways, patience)
    _log.info("mails_leave", by="folder" if ways.mail.host is None else "smtp")

    def told() -> None:
        for sender in senders:
            sender.wake()

    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.run(stop))
        handler = NotifyHandler(engine, told=told)
        group.create_task(Consumer(js, AsTheyCome(handler), engine, stop).run())


def open_senders(
    engine: Engine, ways: Ways, patience: DeliveryRetries | None = None
) -> list[Sender]:
    """Return a sender of each channel that can leave; none keeps another waiting.

    Raises:
        ValueError: The settings name neither a mail server nor a folder.
    """
    from workers.notify.chat_and_sms import ChatTransport, SmsTransport

    senders = [
        Sender(engine, open_transport(ways.mail), patience),
        Sender(engine, ChatTransport(), patience, channel=Channel.CHAT, at_once=CHATS_AT_ONCE),
    ]
    if ways.sms is not None and ways.sms.url is not None:
        senders.append(Sender(engine, SmsTransport(ways.sms), patience, channel=Channel.SMS))
    return senders
