"""The ways out for mail: an SMTP server, or a folder."""

from pathlib import Path

import pytest

from tests.integration.notifications.mails import LOOPBACK, outgoing, settings
from tests.mailserver import MailServer, plain
from workers.notify.folder_transport import FolderTransport
from workers.notify.mail import build_mail
from workers.notify.smtp_transport import SmtpTransport
from workers.notify.transport import DeferredError, RejectedError, TransportUnavailable
from workers.settings.mail import MailSettings


class TestFolder:
    async def test_the_same_mail_twice_is_one_file(self, tmp_path: Path) -> None:
        folder = tmp_path / "mail"
        transport = FolderTransport(MailSettings(), folder)

        await transport.send(outgoing())
        first = (folder / "dlv_1.eml").read_bytes()
        await transport.send(outgoing())

        assert [path.name for path in folder.iterdir()] == ["dlv_1.eml"]
        assert (folder / "dlv_1.eml").read_bytes() == first
        assert "第二行" in first.decode()

    async def test_a_folder_that_cannot_be_is_like_a_server_that_is_away(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "mail").write_text("a file")

        with pytest.raises(TransportUnavailable):
            await FolderTransport(MailSettings(), tmp_path / "mail").send(outgoing())


class TestSmtp:
    async def test_a_mail_arrives_as_it_was_built(self) -> None:
        async with MailServer() as server:
            await SmtpTransport(settings(server.port), LOOPBACK).send(outgoing())

        (mail,) = server.mails
        built = build_mail(outgoing(), settings(server.port))
        assert plain(mail).splitlines() == plain(built).splitlines()
        assert mail["Subject"] == built["Subject"]
        assert mail["Message-ID"] == built["Message-ID"]

    async def test_a_server_that_cannot_encrypt_gets_nothing_when_it_must(self) -> None:
        async with MailServer() as server:
            with pytest.raises(TransportUnavailable):
                await SmtpTransport(settings(server.port, security="starttls"), LOOPBACK).send(
                    outgoing()
                )

        assert server.mails == []

    async def test_a_server_that_does_not_sign_us_in_is_away(self) -> None:
        asked = {"user": "someone", "password": "wrong"}
        async with MailServer() as server:
            with pytest.raises(TransportUnavailable):
                await SmtpTransport(settings(server.port, **asked), LOOPBACK).send(outgoing())

    @pytest.mark.parametrize("to", ["a@b\r\nBcc: c@d", "two@a,b@c", "none", "名@example.invalid"])
    async def test_an_address_that_cannot_stand_in_a_mail_is_rejected(self, to: str) -> None:
        async with MailServer() as server:
            with pytest.raises(RejectedError):
                await SmtpTransport(settings(server.port), LOOPBACK).send(outgoing(to=to))

        assert server.mails == []

    async def test_one_connection_carries_several_mails_and_is_ended_with_them(self) -> None:
        async with MailServer() as server:
            transport = SmtpTransport(settings(server.port), LOOPBACK)
            for number in range(3):
                await transport.send(outgoing(delivery_id=f"dlv_{number}"))
            assert server.connections == 1
            await transport.rest()
            await transport.send(outgoing())
            await transport.rest()

        assert (len(server.mails), server.connections) == (4, 2)

    async def test_a_connection_that_the_server_ended_is_opened_anew(self) -> None:
        async with MailServer() as server:
            transport = SmtpTransport(settings(server.port), LOOPBACK)
            await transport.send(outgoing())
            await server.stop()
            await server.start()
            await transport.send(outgoing(delivery_id="dlv_2"))
            await transport.rest()

        assert len(server.mails) == 2

    @pytest.mark.parametrize(
        "answer",
        [
            "550 Connection frequency limited",
            "550 5.7.1 Too many messages, slow down",
            "550 rate limit exceeded",
            "553 Requested action not taken: please try again later",
            "554 5.2.2 mailbox over quota",
            "550 发送频率过快，请稍后再试",
            "421 4.7.0 greylisted",
        ],
    )
    async def test_sayings_of_not_now_put_a_mail_off_whatever_their_code(self, answer: str) -> None:
        async with MailServer(answers={"ann@example.invalid": answer}) as server:
            with pytest.raises(DeferredError, match=answer[:3]):
                await SmtpTransport(settings(server.port), LOOPBACK).send(outgoing())

    @pytest.mark.parametrize(
        "answer",
        [
            "550 5.1.1 no such user",
            "550 5.1.1 unknown, from 10.4.5.6 by 4.1.1",
            "554 用户不存在",
            "552 message size exceeds fixed limit",
        ],
    )
    async def test_what_stays_as_it_is_sets_a_mail_aside(self, answer: str) -> None:
        async with MailServer(answers={"ann@example.invalid": answer}) as server:
            with pytest.raises(RejectedError, match=answer[:3]):
                await SmtpTransport(settings(server.port), LOOPBACK).send(outgoing())
