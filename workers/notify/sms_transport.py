"""The ways out beside mail: chat bots by Apprise, short messages by a gateway."""

import asyncio
from http import HTTPStatus

import httpx2

from services.notifications.chat_bots import open_bot
from workers.notify.message import OutgoingMail
from workers.notify.transports import DeferredError, RejectedError, TransportUnavailable
from workers.settings.sms import SmsSettings

TIMEOUT_SECONDS = 30.0
"""For one message as a whole; a sender's lease is longer."""

_WORTH_ANOTHER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class ChatTransport:
    """Hands a message to the bot that an Apprise URL names; the URL is a secret."""

    async def send(self, letter: OutgoingMail) -> None:
        """Send it; Apprise says no more than whether the bot took it."""
        bot = open_bot(letter.to)
        if bot is None:
            raise RejectedError("the address is none that Apprise knows")
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                taken = await asyncio.to_thread(bot.notify, letter.text, letter.subject)
        except TimeoutError as error:
            raise DeferredError(f"no answer within {TIMEOUT_SECONDS:.0f} s") from error
        if not taken:
            raise DeferredError("the bot did not take the message")


class SmsTransport:
    """Posts the subject of a message to an HTTP gateway; the same `id` each time."""

    def __init__(self, settings: SmsSettings, timeout: float = TIMEOUT_SECONDS) -> None:
        """Compose. `settings`: where the gateway is; `timeout`: seconds for one message."""
        self._url, self._timeout = str(settings.url), timeout
        self._headers = (
            {}
            if settings.token is None
            else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        )

    async def send(self, letter: OutgoingMail) -> None:
        """Send it; what the gateway says of it is not kept, as it may repeat the number."""
        content = {"id": letter.delivery_id, "to": letter.to, "text": letter.subject}
        answer: httpx2.Response | None = None
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx2.AsyncClient(timeout=self._timeout, trust_env=False) as client,
                client.stream("POST", self._url, json=content, headers=self._headers) as answer,
            ):
                pass  # the status says it all; the rest of the answer need not come
        except (httpx2.HTTPError, TimeoutError) as error:
            if answer is None:
                raise TransportUnavailable(type(error).__name__) from error
        if answer.is_success:
            return
        said = f"the gateway answered {answer.status_code}"
        if answer.is_client_error and answer.status_code not in _WORTH_ANOTHER:
            raise RejectedError(said, answer.status_code)
        raise DeferredError(said, answer.status_code)
