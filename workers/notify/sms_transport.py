"""Short messages, by an HTTP gateway."""

import asyncio
from http import HTTPStatus

import httpx2

from services.notifications.outgoing import OutgoingMessage
from workers.notify.transport import DeferredError, RejectedError, TransportUnavailable
from workers.settings.sms import SmsSettings

TIMEOUT_SECONDS = 30.0
"""For one message as a whole; a sender's lease is longer."""

_ABOUT_THE_MESSAGE = frozenset({
    HTTPStatus.BAD_REQUEST, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
})  # fmt: skip
"""What another attempt would get as well; other refusals are about us, and may pass."""


class SmsTransport:
    """Posts the subject of a message to a gateway, with the same `id` each time."""

    def __init__(self, settings: SmsSettings, timeout: float = TIMEOUT_SECONDS) -> None:
        """Compose. `settings`: where the gateway is; `timeout`: seconds for one message."""
        self._url, self._timeout = str(settings.url), timeout
        self._headers = (
            {}
            if settings.token is None
            else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        )

    async def send(self, message: OutgoingMessage) -> None:
        """Send it; the words of the gateway's answer are not kept: they may repeat the number."""
        content = {"id": message.delivery_id, "to": message.to, "text": message.subject}
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
        why = f"the gateway answered {answer.status_code}"
        if answer.status_code in _ABOUT_THE_MESSAGE:
            raise RejectedError(why, answer.status_code)
        raise DeferredError(why, answer.status_code)

    async def rest(self) -> None:
        """Nothing was kept open."""
