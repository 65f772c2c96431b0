"""A real SMTP server inside the test's own loop, which refuses whom it is told to."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.ports import HeldPort
from workers.servers.ports import LOOPBACK

TAKEN = "250 OK"


def plain(mail: EmailMessage) -> str:
    """The text of a mail, beside which it has the same as HTML."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


class _Speaking(SMTP):
    """Answers in any language, as servers do whatever RFC 5321 says."""

    async def push(self, status: str | bytes) -> None:
        assert isinstance(status, str)
        self._writer.write(status.encode() + b"\r\n")
        await self._writer.drain()


class MailServer:
    """Start it, stop it, start it again: it keeps its port and what it got.

    Attributes:
        mails: What it took, in order.
        answers: Address → what it is told at RCPT TO, e.g. `550 no such user`.
        on_data: Called with each mail before it is acknowledged.
        connections: How many were opened.
    """

    def __init__(self, *, answers: dict[str, str] | None = None) -> None:
        self._held = HeldPort()
        self.port = self._held.number
        self.mails: list[EmailMessage] = []
        self.answers = answers or {}
        self.on_data: Callable[[EmailMessage], None] = lambda _mail: None
        self.connections = 0
        self._open: list[SMTP] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._held.release()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()

        def connected() -> SMTP:
            self.connections += 1
            self._open.append(_Speaking(self, hostname="mail.example.invalid", loop=loop))
            return self._open[-1]

        self._server = await loop.create_server(connected, LOOPBACK, self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for each in self._open:
                if each.transport is not None:
                    each.transport.close()
            self._open.clear()
            await self._server.wait_closed()
            self._server = None

    def to(self, address: str) -> list[EmailMessage]:
        """What came for one recipient."""
        return [mail for mail in self.mails if mail["To"] == address]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        answer = self.answers.get(address, TAKEN)
        if answer == TAKEN:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, EmailMessage, policy=WIRE)
        self.mails.append(mail)
        self.on_data(mail)
        return TAKEN
