import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, func, select
from structlog.testing import capture_logs

from models.cases.actors import Role
from models.cases.states import State
from models.notifications.retries import DeliveryRetries
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import Delivery, InboxMessage, table_of
from services.notifications.deliveries import DeliveryItem, deliveries, send_again
from services.notifications.outgoing import OutgoingMessage
from services.people.users import add_user, set_email
from tests.factories import OPENS, make_case
from tests.mailserver import MailServer, plain
from tests.waiting import until
from workers.notify.folder_transport import FolderTransport
from workers.notify.mail import build_mail
from workers.notify.run import open_mail_transport
from workers.notify.sender import Sender
from workers.notify.smtp_transport import SmtpTransport
from workers.notify.transport import RejectedError, TransportUnavailable
from workers.settings.mail import MailSettings

LOOPBACK = "127.0.0.1"
SENDER = "推选办公室 <office@example.invalid>"
FEW = timedelta(milliseconds=20)
QUICK = DeliveryRetries(attempts=3, first=FEW, longest=FEW * 4, poll=FEW, unavailable=FEW)
SECRET = "（示例）只给当事人看的意见"
DELIVERIES = table_of(Delivery)


def settings(port: int | None, **changes: Any) -> MailSettings:
    values = {"host": LOOPBACK, "port": port, "sender": SENDER, **changes}
    return MailSettings.model_validate(values)


def letter(**changes: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "delivery_id": "dlv_1",
        "event_id": "case_1:3",
        "season": "2024",
        "to": "ann@example.invalid",
        "subject": "【推选】已退回修改 Returned：《" + "长" * 60 + "》",
        "text": "案例：《示例》\n第二行\n\nCase",
        "at": datetime(2024, 4, 25, 8, tzinfo=UTC),
    }
    return OutgoingMessage(**{**values, **changes})


def put(engine: Engine, *addresses: str | None) -> list[str]:
    """Put one waiting mail for a user of each address; return the delivery ids."""
    case_id = make_case(engine, state=State.DRAFT)
    ids = []
    with transaction(engine) as connection:
        for number, address in enumerate(addresses, _count(engine, "delivery") + 1):
            user = f"user-{number}"
            add_user(
                connection, id=user, season_id="2024", role=Role.ORGANISER, org=None,
                name="虚构的人", email=address, at=OPENS,
            )  # fmt: skip
            message = {
                "id": f"msg_{number}", "recipient": user, "event_id": f"{case_id}:1",
                "event": "submitted", "case_id": case_id, "subject": "【推选】已提交",
                "text": SECRET, "at": OPENS,
            }  # fmt: skip
            connection.execute(table_of(InboxMessage).insert(), message)
            ids.append(f"dlv_{number}")
            connection.execute(
                DELIVERIES.insert(),
                {"id": ids[-1], "message_id": message["id"], "channel": "mail",
                 "status": "waiting", "digest": False, "attempts": 0, "next_attempt_at": OPENS},
            )  # fmt: skip
    return ids


def _count(engine: Engine, table: str) -> int:
    with reading(engine) as connection:
        tables = DELIVERIES.metadata.tables
        return connection.scalar(select(func.count()).select_from(tables[table])) or 0


def outcome(engine: Engine) -> dict[str, DeliveryItem]:
    return {item.recipient: item for item in deliveries(engine)}


async def sending(sender: Sender, condition: Callable[[], bool]) -> None:
    """Run the sender until a condition holds."""
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    try:
        await until(condition)
    finally:
        stop.set()
        await running


class TestLetter:
    def test_it_says_who_made_it_and_is_the_same_each_time(self) -> None:
        message = build_mail(letter(), settings(25))

        assert message["From"] == SENDER
        assert message["To"] == "ann@example.invalid"
        assert message["Subject"] == letter().subject
        assert message["Message-ID"] == "<dlv_1@example.invalid>"
        assert message["Date"] == "Thu, 25 Apr 2024 08:00:00 +0000"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["List-Id"] == "<2024.tuixuan.example.invalid>"
        assert message["X-Tuixuan-Event"] == "case_1:3"
        assert bytes(message) == bytes(build_mail(letter(), settings(25)))

    def test_an_answer_goes_where_the_season_says_and_else_is_not_asked_for(self) -> None:
        nowhere = build_mail(letter(), settings(25))
        office = build_mail(letter(reply_to="office@example.invalid"), settings(25))

        assert nowhere["Reply-To"] is None
        assert "请勿直接回复" in plain(nowhere)
        assert office["Reply-To"] == "office@example.invalid"
        assert "回复将送达主办方" in plain(office)
        html = office.get_body(("html",))
        assert html is not None
        assert "回复将送达主办方" in html.get_content()

    @pytest.mark.parametrize("text", ["案例\n", "一行" * 1000])
    def test_its_text_is_utf_8_and_comes_back_whole(self, text: str) -> None:
        message = build_mail(letter(text=text), settings(25))

        assert message.get_content_type() == "multipart/alternative"
        lines = plain(message).splitlines()
        assert lines[:4] == [text.strip(), "", "--", "本邮件由系统自动发出，请勿直接回复。"]
        assert max(map(len, bytes(message).split(b"\r\n"))) <= 998


class TestSettings:
    @pytest.mark.parametrize(
        "values",
        [
            {"host": "mail.example.invalid"},
            {"user": "someone"},
            {"password": "secret"},
            {"sender": "no address"},
            {"sender": "a@example.invalid\nBcc: b@example.invalid"},
            {"security": "ssl"},
            {"port": 0},
            {"hosts": "mail.example.invalid"},
        ],
    )
    def test_what_cannot_work_is_refused(self, values: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            MailSettings.model_validate(values)

    def test_a_password_does_not_show(self) -> None:
        assert "secret" not in repr(
            MailSettings.model_validate({"user": "u", "password": "secret"})
        )

    @pytest.mark.parametrize(("security", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
    def test_the_port_is_the_usual_one(self, security: str, port: int) -> None:
        assert settings(None, security=security).server_port == port

    def test_without_a_server_mails_lie_in_the_folder(self, tmp_path: Path) -> None:
        assert isinstance(open_mail_transport(MailSettings(folder=tmp_path)), FolderTransport)
        assert isinstance(open_mail_transport(settings(25, folder=tmp_path)), SmtpTransport)
        with pytest.raises(ValueError, match="host"):
            open_mail_transport(MailSettings())


class TestFolder:
    async def test_the_same_mail_twice_is_one_file(self, tmp_path: Path) -> None:
        folder = tmp_path / "mail"
        transport = FolderTransport(MailSettings(), folder)

        await transport.send(letter())
        first = (folder / "dlv_1.eml").read_bytes()
        await transport.send(letter())

        assert [path.name for path in folder.iterdir()] == ["dlv_1.eml"]
        assert (folder / "dlv_1.eml").read_bytes() == first
        assert "第二行" in first.decode()

    async def test_a_folder_that_cannot_be_is_like_a_server_that_is_away(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "mail").write_text("a file")

        with pytest.raises(TransportUnavailable):
            await FolderTransport(MailSettings(), tmp_path / "mail").send(letter())


class TestSmtp:
    async def test_a_mail_arrives_as_it_was_built(self) -> None:
        async with MailServer() as server:
            await SmtpTransport(settings(server.port), LOOPBACK).send(letter())

        (mail,) = server.mails
        built = build_mail(letter(), settings(server.port))
        assert plain(mail).splitlines() == plain(built).splitlines()
        assert mail["Subject"] == built["Subject"]
        assert mail["Message-ID"] == built["Message-ID"]

    async def test_a_server_that_cannot_encrypt_gets_nothing_when_it_must(self) -> None:
        async with MailServer() as server:
            with pytest.raises(TransportUnavailable):
                await SmtpTransport(settings(server.port, security="starttls"), LOOPBACK).send(
                    letter()
                )

        assert server.mails == []

    async def test_a_server_that_does_not_sign_us_in_is_away(self) -> None:
        asked = {"user": "someone", "password": "wrong"}
        async with MailServer() as server:
            with pytest.raises(TransportUnavailable):
                await SmtpTransport(settings(server.port, **asked), LOOPBACK).send(letter())

    @pytest.mark.parametrize("to", ["a@b\r\nBcc: c@d", "two@a,b@c", "none", "名@example.invalid"])
    async def test_an_address_that_cannot_stand_in_a_mail_is_rejected(self, to: str) -> None:
        async with MailServer() as server:
            with pytest.raises(RejectedError):
                await SmtpTransport(settings(server.port), LOOPBACK).send(letter(to=to))

        assert server.mails == []


@pytest.mark.usefixtures("season")
class TestSender:
    async def test_each_mail_goes_out_once(self, engine: Engine) -> None:
        put(engine, "ann@example.invalid", "bob@example.invalid")
        async with MailServer() as server:
            sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK)

            assert await sender.send_due()
            assert await sender.send_due()

        assert sorted(mail["To"] for mail in server.mails) == [
            "ann@example.invalid",
            "bob@example.invalid",
        ]
        assert [(item.status, item.attempts) for item in deliveries(engine)] == [("sent", 1)] * 2
        assert all(item.sent_at for item in deliveries(engine))

    async def test_many_senders_do_not_send_one_mail_twice(self, engine: Engine) -> None:
        put(engine, *(f"user{number}@example.invalid" for number in range(12)))
        async with MailServer() as server:
            transport = SmtpTransport(settings(server.port), LOOPBACK)
            senders = [Sender(engine, transport, QUICK) for _ in range(3)]
            await asyncio.gather(*(sender.send_due() for sender in senders))

        ids = [mail["Message-ID"] for mail in server.mails]
        assert len(ids) == len(set(ids)) == 12

    async def test_a_server_that_was_away_gets_everything_when_it_is_back(
        self, engine: Engine
    ) -> None:
        put(engine, "ann@example.invalid", "bob@example.invalid")
        server = MailServer()
        sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK)
        refused = 0

        def tried_more_often_than_a_mail_may_be() -> bool:
            nonlocal refused
            refused = sum(log["event"] == "mail_server_away" for log in logs)
            return refused > 3 * QUICK.attempts

        with capture_logs() as logs:
            await sending(sender, tried_more_often_than_a_mail_may_be)
        waiting = deliveries(engine)
        assert [item.status for item in waiting] == ["waiting"] * 2
        assert all(item.last_error for item in waiting)

        async with server:
            await sending(sender, lambda: len(server.mails) == 2)

        assert [item.status for item in deliveries(engine)] == ["sent"] * 2
        assert [item.last_error for item in deliveries(engine)] == [None] * 2

    async def test_a_bad_address_is_set_aside_and_the_others_get_their_mail(
        self, engine: Engine
    ) -> None:
        gone, full, good = (f"{name}@example.invalid" for name in ("gone", "full", "good"))
        put(engine, gone, full, good)
        answers = {gone: f"550 5.1.1 <{gone}> no such user", full: "452 4.2.2 mailbox full"}
        async with MailServer(answers=answers) as server:
            sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK)
            await sending(sender, lambda: outcome(engine)["user-2"].status == "failed")

        found = outcome(engine)
        assert [mail["To"] for mail in server.mails] == [good]
        assert (found["user-1"].status, found["user-1"].attempts) == ("failed", 1)
        assert found["user-1"].last_error == "550 5.1.1 <<recipient>> no such user"
        assert (found["user-2"].status, found["user-2"].attempts) == ("failed", QUICK.attempts)
        assert found["user-2"].last_error == "452 4.2.2 mailbox full"
        assert found["user-3"].status == "sent"

    async def test_a_deferred_mail_waits_longer_each_time(self, engine: Engine) -> None:
        put(engine, "full@example.invalid")
        async with MailServer(answers={"full@example.invalid": "451 later"}) as server:
            await Sender(engine, SmtpTransport(settings(server.port), LOOPBACK)).send_due()

        (item,) = deliveries(engine)
        assert (item.status, item.attempts) == ("waiting", 1)
        assert timedelta(seconds=25) < item.next_attempt_at - datetime.now(UTC) < timedelta(30)
        assert [DeliveryRetries().delay(attempt).total_seconds() for attempt in range(1, 13)] == [
            30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600,
        ]  # fmt: skip

    async def test_whose_address_was_taken_away_gets_no_mail(self, engine: Engine) -> None:
        put(engine, "ann@example.invalid")
        set_email(engine, "user-1", None)
        async with MailServer() as server:
            await Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK).send_due()

        assert server.mails == []
        assert outcome(engine)["user-1"].status == "failed"

    async def test_a_corrected_address_gets_the_mail_that_waits(self, engine: Engine) -> None:
        put(engine, "wrong@example.invalid")
        async with MailServer(answers={"wrong@example.invalid": "451 unknown"}) as server:
            sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK)
            await sender.send_due()
            set_email(engine, "user-1", "right@example.invalid")
            await sending(sender, lambda: len(server.mails) == 1)

        assert server.mails[0]["To"] == "right@example.invalid"

    async def test_a_mail_that_was_set_aside_can_be_sent_again(self, engine: Engine) -> None:
        (delivery,) = put(engine, "ann@example.invalid")
        async with MailServer(answers={"ann@example.invalid": "550 not yet"}) as server:
            sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK)
            await sender.send_due()
            assert deliveries(engine)[0].status == "failed"

            server.answers.clear()
            send_again(engine, delivery, OPENS)
            await sender.send_due()

        assert deliveries(engine)[0].status == "sent"
        with pytest.raises(Refused, match="unknown_delivery"):
            send_again(engine, "dlv_none", OPENS)

    async def test_a_sender_killed_before_it_noted_a_mail_sends_it_again_as_the_same(
        self, engine: Engine, database_urls: tuple[str, str]
    ) -> None:
        put(engine, "ann@example.invalid")
        async with MailServer() as server:
            doomed = _spawn_sender(database_urls[0], server.port)

            def kill(_mail: EmailMessage) -> None:
                os.kill(doomed.pid, signal.SIGKILL)

            server.on_data = kill
            await until(lambda: doomed.poll() is not None)
            assert doomed.returncode == -signal.SIGKILL
            assert deliveries(engine)[0].status == "waiting"

            server.on_data = lambda _mail: None
            sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK)
            await sending(sender, lambda: deliveries(engine)[0].status == "sent")

        assert [mail["Message-ID"] for mail in server.mails] == ["<dlv_1@example.invalid>"] * 2
        assert server.mails[0].as_bytes() == server.mails[1].as_bytes()
        assert deliveries(engine)[0].attempts == 2

    async def test_a_mail_that_kills_its_sender_each_time_is_set_aside(
        self, engine: Engine
    ) -> None:
        put(engine, "ann@example.invalid")
        with transaction(engine) as connection:
            connection.execute(DELIVERIES.update().values(attempts=QUICK.attempts))
        async with MailServer() as server:
            await Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), QUICK).send_due()

        assert server.mails == []
        assert deliveries(engine)[0].status == "failed"

    async def test_a_sender_that_is_woken_does_not_wait_for_its_poll(self, engine: Engine) -> None:
        slow = DeliveryRetries(poll=timedelta(hours=1))
        async with MailServer() as server:
            sender = Sender(engine, SmtpTransport(settings(server.port), LOOPBACK), slow)
            stop = asyncio.Event()
            running = asyncio.create_task(sender.run(stop))
            await asyncio.sleep(0)
            put(engine, "ann@example.invalid")
            await asyncio.to_thread(sender.wake)
            await until(lambda: len(server.mails) == 1)
            stop.set()
            await running

    async def test_nothing_personal_is_logged(self, engine: Engine) -> None:
        gone, good = "gone@example.invalid", "good@example.invalid"
        put(engine, gone, good)
        with capture_logs() as logs:
            async with MailServer(answers={gone: f"550 <{gone}> unknown"}) as server:
                transport = SmtpTransport(settings(server.port), LOOPBACK)
                await Sender(engine, transport, QUICK).send_due()
            put(engine, "later@example.invalid")
            await Sender(engine, transport, QUICK).send_due()

        assert {log["event"] for log in logs} == {
            "delivery_sent",
            "delivery_failed",
            "mail_server_away",
        }
        for personal in ("example.invalid", "虚构的人", SECRET):
            assert personal not in repr(logs)


def _spawn_sender(database_url: str, port: int) -> subprocess.Popen[bytes]:
    """Start a sender as a process of its own; its lease is short, so that we need not wait."""
    program = f"""
import asyncio
from datetime import timedelta
from models.store.engine import open_engine
from workers.settings.mail import MailSettings
from models.notifications.retries import DeliveryRetries
from workers.notify.sender import Sender
from workers.notify.run import open_mail_transport
settings = MailSettings(host={LOOPBACK!r}, port={port}, sender={SENDER!r})
patience = DeliveryRetries(lease=timedelta(seconds=1))
sender = Sender(open_engine({database_url!r}), open_mail_transport(settings), patience)
asyncio.run(sender.send_due())
"""
    return subprocess.Popen([sys.executable, "-c", program])
