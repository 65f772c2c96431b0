"""Chat bots, by Apprise."""

import asyncio

from services.notifications.chat_bots import open_bot
from services.notifications.outgoing import OutgoingMessage
from workers.notify.guarded import within
from workers.notify.transport import DeferredError, RejectedError
from workers.outward.guard import Bounds
from workers.settings.webhook import WebhookSettings

TIMEOUT_SECONDS = 30.0
"""For one message as a whole; a sender's lease is longer."""


class ChatTransport:
    """Hands a message to the bot that an Apprise URL names; the URL is a secret."""

    def __init__(self, settings: WebhookSettings) -> None:
        """Compose. `settings`: where webhooks may go, and bots no further."""
        self._bounds = Bounds(settings.networks, settings.allowed_ports)

    async def send(self, message: OutgoingMessage) -> None:
        """Send it; Apprise says no more than whether the bot accepted it."""
        bot = open_bot(message.to)
        if bot is None:
            raise RejectedError("the address is none that Apprise knows")
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                with within(self._bounds) as refused:
                    accepted = await asyncio.to_thread(bot.notify, message.text, message.subject)
        except TimeoutError as error:
            raise DeferredError(f"no answer within {TIMEOUT_SECONDS:.0f} s") from error
        if refused:
            raise RejectedError(str(refused[0]))
        if not accepted:
            raise DeferredError("the bot did not take the message")

    async def rest(self) -> None:
        """Nothing was kept open."""
