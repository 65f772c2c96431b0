"""Chat bots and SMS gateways get what waits; no secret shows anywhere."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr
from sqlalchemy import Engine, update

from models import tables
from models.notifications.delivery import Channel, DeliveryStatus
from models.store.engine import transaction
from services.notifications.chat_bots import open_bot
from services.notifications.deliveries import deliveries
from services.notifications.outgoing import OutgoingMessage
from tests.integration.notifications.gateways import (
    NUMBER,
    SECRET,
    notify_by,
    receiving,
    send,
)
from tests.receivers import INSIDE
from tests.slack import slack
from workers.notify.chat_transport import ChatTransport
from workers.notify.sender import Sender
from workers.notify.sms_transport import SmsTransport
from workers.notify.transport import DeferredError
from workers.settings.sms import SmsSettings
from workers.settings.webhook import WebhookSettings


@pytest.mark.usefixtures("season")
class TestChat:
    async def test_the_bot_gets_subject_and_text(self, engine: Engine) -> None:
        with receiving() as receiver:
            notify_by(engine, Channel.CHAT, f"json://127.0.0.1:{receiver.port}/{SECRET}")
            shown = await send(engine, Channel.CHAT, ChatTransport(INSIDE))

        ((_, body),) = receiver.got
        assert (body["title"], body["message"].strip()) == ("【推选】已停用", "端点已停用。")
        assert deliveries(engine)[0].status == "sent"
        assert SECRET not in shown

    @pytest.mark.parametrize(
        "address",
        [
            "json://127.0.0.1:{port}/x", "json://localhost:{port}/x",
            "json://[::1]:{port}/x", "json://169.254.169.254/latest", "gotify://10.0.0.1/token",
            "jsons://192.168.1.1/x", "json://0.0.0.0:{port}/x",
        ],
    )  # fmt: skip
    async def test_no_bot_is_reached_where_webhooks_may_not_go(
        self, engine: Engine, address: str
    ) -> None:
        with receiving() as receiver:
            notify_by(engine, Channel.CHAT, address.format(port=receiver.port))
            await send(engine, Channel.CHAT, ChatTransport(WebhookSettings()))

        assert receiver.got == []
        (item,) = deliveries(engine)
        assert (item.status, item.attempts) == ("failed", 1)
        assert item.last_error == "the address is private, local or reserved"

    async def test_addresses_of_a_host_that_do_not_answer_leave_the_others(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = socket.getaddrinfo

        def two(host: str, *rest: Any, **more: Any) -> Any:
            if host != "bot.example.invalid":
                return real(host, *rest, **more)
            silent, answers = (real(f"127.0.0.{n}", *rest, **more) for n in (2, 1))
            return [*silent, *answers, *silent]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        with receiving() as receiver:
            notify_by(engine, Channel.CHAT, f"json://bot.example.invalid:{receiver.port}/x")
            await send(engine, Channel.CHAT, ChatTransport(INSIDE))

        assert len(receiver.got) == 1

    @pytest.mark.parametrize("address", ["syslog://", "mailto://a:b@example.invalid"])
    def test_what_is_not_posted_is_no_bot(self, address: str) -> None:
        assert open_bot(address) is None

    async def test_a_bot_that_refuses_is_tried_again_and_its_address_never_shows(
        self, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        with receiving() as receiver:
            receiver.status = 500
            notify_by(engine, Channel.CHAT, f"json://127.0.0.1:{receiver.port}/{SECRET}")
            shown = await send(engine, Channel.CHAT, ChatTransport(INSIDE))

        (item,) = deliveries(engine)
        assert (item.status, item.attempts) == ("waiting", 1)
        assert item.last_error == "the bot did not take the message"
        assert SECRET not in shown + caplog.text

    async def test_a_bot_that_hangs_holds_nobody_else_up(self, engine: Engine) -> None:
        """What goes to other people is out while the bot of one still says nothing."""
        back, out = asyncio.Event(), asyncio.Event()
        sent: list[str] = []

        class Bots:
            async def send(self, letter: OutgoingMessage) -> None:
                if "hangs" in letter.to:
                    await back.wait()
                    raise DeferredError("the bot did not take the message")
                sent.append(letter.to)
                out.set()

            async def rest(self) -> None:
                pass

        for number in range(60):  # more than one look finds
            notify_by(engine, Channel.CHAT, "json://hangs.example.invalid", key=f"k{number}")
        notify_by(engine, Channel.CHAT, "json://works.example.invalid", user="2024-hunan")
        sending = asyncio.create_task(
            Sender(engine, Bots(), channel=Channel.CHAT, at_once=4).send_due()
        )  # fmt: skip
        await asyncio.wait_for(out.wait(), slack(30))
        back.set()
        await sending

        assert sent == ["json://works.example.invalid"]
        waiting = deliveries(engine, status=DeliveryStatus.WAITING, limit=200)
        assert [item.attempts for item in waiting] == [1] * 60

    async def test_an_address_that_apprise_does_not_know_is_set_aside(
        self, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        notify_by(engine, Channel.CHAT, f"json://{SECRET}")
        with transaction(engine) as connection:  # one that an older Apprise may have known
            gone = update(tables.user_channel).values(address=f"nonsense://{SECRET}")
            connection.execute(gone)

        shown = await send(engine, Channel.CHAT, ChatTransport(INSIDE))

        assert deliveries(engine)[0].status == "failed"
        assert SECRET not in shown + caplog.text


@pytest.mark.usefixtures("season")
class TestSms:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [(200, "sent"), (202, "sent"), (400, "failed"), (429, "waiting"), (503, "waiting")],
    )
    async def test_the_gateway_gets_number_and_subject_and_its_answer_counts(
        self, engine: Engine, status: int, expected: str
    ) -> None:
        with receiving() as receiver:
            receiver.status = status
            notify_by(engine, Channel.SMS, NUMBER)
            url = HttpUrl(f"http://127.0.0.1:{receiver.port}/send")
            gateway = SmsSettings(url=url, token=SecretStr(SECRET))
            shown = await send(engine, Channel.SMS, SmsTransport(gateway))

        ((headers, body),) = receiver.got
        (item,) = deliveries(engine)
        assert headers["Authorization"] == f"Bearer {SECRET}"
        assert body == {"id": item.id, "to": NUMBER, "text": "【推选】已停用"}
        assert item.status == expected
        assert SECRET not in shown
        assert NUMBER not in shown

    @pytest.mark.parametrize(("status", "expected"), [(200, "sent"), (400, "failed")])
    async def test_a_gateway_whose_answer_never_ends_has_answered(
        self, engine: Engine, status: int, expected: str
    ) -> None:
        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 99\r\n\r\n" % status)
            with contextlib.suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.1)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = HttpUrl(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/send")
        notify_by(engine, Channel.SMS, NUMBER)
        await send(engine, Channel.SMS, SmsTransport(SmsSettings(url=url)))
        server.close()
        server.close_clients()  # type: ignore[attr-defined] # since Python 3.13

        assert deliveries(engine)[0].status == expected

    async def test_a_gateway_that_drips_its_headers_has_no_more_than_its_time(
        self, engine: Engine
    ) -> None:
        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 X\r\nServer: ")
            with contextlib.suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.1)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = HttpUrl(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/send")
        notify_by(engine, Channel.SMS, NUMBER)
        await send(engine, Channel.SMS, SmsTransport(SmsSettings(url=url), timeout=1.0))
        server.close()
        server.close_clients()  # type: ignore[attr-defined] # since Python 3.13

        assert (deliveries(engine)[0].status, deliveries(engine)[0].attempts) == ("waiting", 0)

    async def test_a_gateway_that_is_away_counts_against_no_message(self, engine: Engine) -> None:
        notify_by(engine, Channel.SMS, NUMBER)

        await send(
            engine, Channel.SMS, SmsTransport(SmsSettings(url=HttpUrl("http://127.0.0.1:1/")))
        )

        assert (deliveries(engine)[0].status, deliveries(engine)[0].attempts) == ("waiting", 0)
