"""Mail by an SMTP server: one connection carries all that is due."""

import asyncio
import contextlib
import re
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
MOST_ON_ONE = 50
"""Mails on one connection: servers count, and some end it without a word."""
PERMANENT = 500
"""SMTP answers from here on are final for this message (RFC 5321 section 4.2.1) …"""
_NOT_NOW = re.compile(
    r"frequen|\brates?\b|throttl|too (?:many|fast|much)|try (?:again|later)|later|temporar|quota"
    r"|limit|gr[ae]y-?list|busy|overload|^\d+ 4\.\d+\.\d+\b"
    r"|频率|频繁|过多|过快|超出|超过|限制|稍后|稍候|繁忙|暂时|灰名单",
    re.IGNORECASE,
)
"""… unless its words say that it is not: many servers answer 550 to whoever sends too fast."""
_TOO_LARGE = re.compile(r"size|too (?:large|big)|大小|过大", re.IGNORECASE)


class SmtpTransport:
    """Hands mails to an SMTP server, one after another on one connection."""

    def __init__(
        self,
        settings: MailSettings,
        host: str,
        timeout: float = SEND_TIMEOUT_SECONDS,
        portal: str | None = None,
    ) -> None:
        """Compose. `timeout`: seconds that one mail may take; `portal`: its address, for mails."""
        self._settings, self._host, self._timeout = settings, host, timeout
        self._portal = portal
        self._one_at_a_time = asyncio.Lock()
        self._client: SMTP | None = None
        self._carried = 0

    async def send(self, message: OutgoingMessage) -> None:
        """Send it to its one recipient."""
        mail = build_mail(message, self._settings, self._portal)
        async with self._one_at_a_time:
            await self._send(mail, message.to)

    async def rest(self) -> None:
        """Say goodbye: the server has the mails, and how it answers does not matter."""
        async with self._one_at_a_time:
            await self._part()

    async def _send(self, mail: EmailMessage, to: str) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                client = await self._connected()
                await _hand_over(client, mail, self._settings.address, to)
        except TimeoutError as error:
            self._drop()
            raise DeferredError(f"no answer within {self._timeout:.0f} s") from error
        except NotSentError:
            self._drop()  # whatever state it is in: the next mail begins anew
            raise
        self._carried += 1

    async def _part(self) -> None:
        if self._client is not None and self._client.is_connected:
            with contextlib.suppress(SMTPException, OSError):
                await self._client.quit(timeout=QUIT_TIMEOUT_SECONDS)
        self._drop()

    async def _connected(self) -> SMTP:
        """Return the connection in use if it still answers, else a new one."""
        if self._client is not None and self._carried < MOST_ON_ONE:
            with contextlib.suppress(SMTPException, OSError):
                await self._client.rset()
                return self._client
        await self._part()
        self._client = client = self._new_client()
        try:
            await client.connect(timeout=CONNECT_TIMEOUT_SECONDS)
            if client.is_ehlo_or_helo_needed:  # what the server can is not known without it
                await client.ehlo()
        except (SMTPException, OSError) as error:  # also: no TLS, bad certificate, no sign-in
            raise TransportUnavailable(_words(error), getattr(error, "code", None)) from error
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client, self._carried = None, 0

    def _new_client(self) -> SMTP:
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


async def _hand_over(client: SMTP, mail: EmailMessage, sender: str, to: str) -> None:
    plain = not client.supports_extension("8bitmime")
    policy = mail.policy.clone(cte_type="7bit") if plain else mail.policy
    try:
        await client.sendmail(
            sender, [to], mail.as_bytes(policy=policy),
            mail_options=[] if plain else ["BODY=8BITMIME"],
        )  # fmt: skip
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _not_sent(error.recipients[0]) from error
    except aiosmtplib.SMTPSenderRefused as error:  # about us, and not about the recipient
        raise TransportUnavailable(_words(error), error.code) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _not_sent(error) from error
    except (SMTPException, OSError) as error:
        raise DeferredError(_words(error)) from error


def _not_sent(answer: aiosmtplib.SMTPResponseException) -> NotSentError:
    words = _words(answer)
    passes = _NOT_NOW.search(words) is not None and _TOO_LARGE.search(words) is None
    final = answer.code >= PERMANENT and not passes
    return (RejectedError if final else DeferredError)(words, answer.code)


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"
