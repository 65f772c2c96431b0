"""Each mail goes out once, or is set aside visibly, whatever dies."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models import tables
from models.notifications.retries import DeliveryRetries
from models.refusals import Refused
from models.store.engine import transaction
from services.notifications.deliveries import deliveries, send_again
from services.people.users import set_email
from tests.factories import OPENS
from tests.integration.notifications.mails import (
    LOOPBACK,
    QUICK,
    SECRET,
    SENDER,
    outcome,
    put,
    sending,
    settings,
)
from tests.mailserver import MailServer
from tests.waiting import until
from workers.notify.sender import Sender
from workers.notify.smtp_transport import SmtpTransport


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
            connection.execute(tables.delivery.update().values(attempts=QUICK.attempts))
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
