"""The two ways by which a mail leaves: an SMTP server, or a folder."""

import asyncio
import contextlib
import os
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import aiosmtplib
from aiosmtplib import SMTP, SMTPException

from workers.notify.message import OutgoingMail, build_message
from workers.settings.mail import MailSettings

SEND_TIMEOUT_SECONDS = 30.0
"""For one mail as a whole; a sender's lease is longer."""
CONNECT_TIMEOUT_SECONDS = 10.0
QUIT_TIMEOUT_SECONDS = 5.0
PERMANENT = 500
"""SMTP answers from here on are final for this message (RFC 5321 section 4.2.1)."""


class NotSentError(Exception):
    """A mail is not out. `code`: what the server answered, if it did."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class DeferredError(NotSentError):
    """Not now: worth another attempt."""


class TransportUnavailable(DeferredError):
    """The server itself is away or refuses us: no other mail would fare better now."""


class RejectedError(NotSentError):
    """Never: another attempt would get the same answer."""


class Transport(Protocol):
    """Carries mails. Sending one twice must be harmless: both have one Message-ID."""

    async def send(self, letter: OutgoingMail) -> None:
        """Return when the mail is out of our hands.

        Raises:
            NotSentError: One of its kinds: it is not.
        """


class FolderTransport:
    """Lays each mail as `<delivery id>.eml` into a folder."""

    def __init__(self, settings: MailSettings, folder: Path) -> None:
        """Take the settings of the sender, and the folder; it is made when needed."""
        self._settings, self._folder = settings, folder

    async def send(self, letter: OutgoingMail) -> None:
        """Write the file whole or not at all; the same mail again changes nothing."""
        message = _built(letter, self._settings)
        try:
            await asyncio.to_thread(self._write, letter.delivery_id, message.as_bytes())
        except OSError as error:
            raise TransportUnavailable(f"{type(error).__name__}: {error.strerror}") from error

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole, part = self._folder / f"{name}.eml", self._folder / f".{name}.tmp"
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(whole)


class SmtpTransport:
    """Hands each mail to an SMTP server, on a connection of its own."""

    def __init__(
        self, settings: MailSettings, host: str, timeout: float = SEND_TIMEOUT_SECONDS
    ) -> None:
        """Take the settings, the server, and how many seconds one mail may take."""
        self._settings, self._host, self._timeout = settings, host, timeout

    async def send(self, letter: OutgoingMail) -> None:
        """Send it to its one recipient."""
        message = _built(letter, self._settings)
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await _connect(client)
                await _hand_over(client, message, letter.to)
            # The mail is taken; how the server says goodbye does not matter.
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


def open_transport(settings: MailSettings) -> Transport:
    """Return the transport that the settings name.

    Raises:
        ValueError: They name neither a server nor a folder.
    """
    if settings.host is not None:
        return SmtpTransport(settings, settings.host)
    if settings.folder is not None:
        return FolderTransport(settings, settings.folder)
    raise ValueError("邮件设置中既没有服务器（host），也没有文件夹（folder）")


def _built(letter: OutgoingMail, settings: MailSettings) -> EmailMessage:
    try:
        return build_message(letter, settings)
    except (ValueError, IndexError) as error:  # the standard library's parser raises both
        raise RejectedError("the address cannot stand in a mail") from error


async def _connect(client: SMTP) -> None:
    try:
        await client.connect(timeout=CONNECT_TIMEOUT_SECONDS)
    except (SMTPException, OSError) as error:  # also: no TLS, bad certificate, no sign-in
        raise TransportUnavailable(_said(error), getattr(error, "code", None)) from error


async def _hand_over(client: SMTP, message: EmailMessage, to: str) -> None:
    try:
        await client.send_message(message, recipients=[to])
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _judged(error.recipients[0]) from error
    except aiosmtplib.SMTPSenderRefused as error:  # about us, and not about the recipient
        raise TransportUnavailable(_said(error), error.code) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _judged(error) from error
    except (SMTPException, OSError) as error:
        raise DeferredError(_said(error)) from error


def _judged(error: aiosmtplib.SMTPResponseException) -> NotSentError:
    kind = RejectedError if error.code >= PERMANENT else DeferredError
    return kind(_said(error), error.code)


def _said(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"
