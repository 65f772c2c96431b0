"""Run the notify worker: a consumer that notifies people of events, and a sender each channel."""

import asyncio
from dataclasses import dataclass, field

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.notifications.delivery import Channel
from models.notifications.retries import DeliveryRetries
from services.clock import SharedClock
from workers.notify.handler import NotifyHandler
from workers.notify.sender import Sender
from workers.notify.transport import Transport
from workers.settings.mail import MailSettings
from workers.settings.sms import SmsSettings
from workers.settings.webhook import WebhookSettings
from workers.stream.consumer import Consumer
from workers.stream.handing_over import AsTheyCome

CHATS_AT_ONCE = 8
"""Each bot has a server of its own, and one that hangs keeps the others waiting no longer."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class OutgoingSettings:
    """How messages leave: mail always, short messages if there is a gateway.

    Attributes:
        portal: The portal's address, which mails name; None: there is none.
        webhook: Where webhooks may go, and chat bots no further.
    """

    mail: MailSettings
    sms: SmsSettings | None = None
    portal: str | None = None
    webhook: WebhookSettings = field(default_factory=WebhookSettings)


async def run(
    js: JetStreamContext,
    engine: Engine,
    outgoing: OutgoingSettings,
    stop: asyncio.Event,
    retries: DeliveryRetries | None = None,
) -> None:
    """Work until `stop`.

    Args:
        js: JetStream.
        engine: The record, which holds inboxes and deliveries too.
        outgoing: How messages leave.
        stop: Ends all after what is in hand.
        retries: How long each delivery is tried.

    Raises:
        ValueError: The settings name neither a server nor a folder.
    """
    senders = open_senders(engine, outgoing, retries)
    _log.info("mails_leave", by="folder" if outgoing.mail.host is None else "smtp")

    def wake_senders() -> None:
        for sender in senders:
            sender.wake()

    handler = NotifyHandler(engine, notified=wake_senders, clock=SharedClock(engine))
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.run(stop))
        group.create_task(Consumer(js, AsTheyCome(handler), engine, stop).run())


def open_senders(
    engine: Engine, outgoing: OutgoingSettings, retries: DeliveryRetries | None = None
) -> list[Sender]:
    """Return a sender of each channel that can leave; none keeps another waiting.

    Raises:
        ValueError: The settings name neither a mail server nor a folder.
    """
    from workers.notify.chat_transport import ChatTransport
    from workers.notify.sms_transport import SmsTransport

    senders = [
        Sender(engine, open_mail_transport(outgoing.mail, outgoing.portal), retries),
        Sender(
            engine,
            ChatTransport(outgoing.webhook),
            retries,
            channel=Channel.CHAT,
            at_once=CHATS_AT_ONCE,
        ),
    ]
    if outgoing.sms is not None and outgoing.sms.url is not None:
        senders.append(Sender(engine, SmsTransport(outgoing.sms), retries, channel=Channel.SMS))
    return senders


def open_mail_transport(settings: MailSettings, portal: str | None = None) -> Transport:
    """Return the transport that the settings name.

    Raises:
        ValueError: They name neither a server nor a folder.
    """
    from workers.notify.folder_transport import FolderTransport
    from workers.notify.smtp_transport import SmtpTransport

    if settings.host is not None:
        return SmtpTransport(settings, settings.host, portal=portal)
    if settings.folder is not None:
        return FolderTransport(settings, settings.folder, portal)
    raise ValueError("邮件设置中既没有服务器（host），也没有文件夹（folder）")
