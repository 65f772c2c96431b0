"""Mail by an SMTP server."""

import asyncio
import contextlib
from email.message import EmailMessage

import aiosmtplib
from aiosmtplib import SMTP, SMTPException

from services.notifications.outgoing import OutgoingMessage
from workers.notify.mail import build_mail
from workers.notify.transport import (
    DeferredError,
    NotSentError,
    RejectedError,
    TransportUnavailable,
)
from workers.settings.mail import MailSettings

SEND_TIMEOUT_SECONDS = 30.0
"""For one mail as a whole; a sender's lease is longer."""
CONNECT_TIMEOUT_SECONDS = 10.0
QUIT_TIMEOUT_SECONDS = 5.0
PERMANENT = 500
"""SMTP answers from here on are final for this message (RFC 5321 section 4.2.1)."""


class SmtpTransport:
    """Hands each mail to an SMTP server, on a connection of its own."""

    def __init__(
        self, settings: MailSettings, host: str, timeout: float = SEND_TIMEOUT_SECONDS
    ) -> None:
        """Compose. `timeout`: seconds that one mail may take."""
        self._settings, self._host, self._timeout = settings, host, timeout

    async def send(self, message: OutgoingMessage) -> None:
        """Send it to its one recipient."""
        mail = build_mail(message, self._settings)
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await _connect(client)
                await _hand_over(client, mail, message.to)
            # The server has the mail; how it says goodbye does not matter.
            with contextlib.suppress(SMTPException, OSError):
                await client.quit(timeout=QUIT_TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise DeferredError(f"no answer within {self._timeout:.0f} s") from error
        finally:
            client.close()

    def _client(self) -> SMTP:
        password = self._settings.password
        return SMTP(
            hostname=self._host,
            port=self._settings.server_port,
            use_tls=self._settings.security == "tls",
            start_tls=self._settings.security == "starttls",
            username=self._settings.user,
            password=None if password is None else password.get_secret_value(),
            timeout=self._timeout,
        )


async def _connect(client: SMTP) -> None:
    try:
        await client.connect(timeout=CONNECT_TIMEOUT_SECONDS)
    except (SMTPException, OSError) as error:  # also: no TLS, bad certificate, no sign-in
        raise TransportUnavailable(_words(error), getattr(error, "code", None)) from error


async def _hand_over(client: SMTP, mail: EmailMessage, to: str) -> None:
    try:
        await client.send_message(mail, recipients=[to])
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _not_sent(error.recipients[0]) from error
    except aiosmtplib.SMTPSenderRefused as error:  # about us, and not about the recipient
        raise TransportUnavailable(_words(error), error.code) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _not_sent(error) from error
    except (SMTPException, OSError) as error:
        raise DeferredError(_words(error)) from error


def _not_sent(answer: aiosmtplib.SMTPResponseException) -> NotSentError:
    kind = RejectedError if answer.code >= PERMANENT else DeferredError
    return kind(_words(answer), answer.code)


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"
