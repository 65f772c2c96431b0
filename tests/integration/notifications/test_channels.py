"""Chat bots and short messages, against a real receiver on the loopback."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr
from sqlalchemy import Engine, update
from structlog.testing import capture_logs

from models.notifications.delivery import Channel, DeliveryStatus
from models.notifications.texts import NotificationText
from models.refusals import Refused
from models.store.engine import transaction
from models.tables import UserChannel, table_of
from services.notifications.channels import set_channel
from services.notifications.deliveries import deliveries
from services.notifications.fan_out import Notification, notify
from services.notifications.outgoing import OutgoingMessage
from services.people.users import list_users
from tests.factories import OPENS
from tests.slack import slack
from workers.notify.chat_transport import ChatTransport
from workers.notify.sender import Sender
from workers.notify.sms_transport import SmsTransport
from workers.notify.transport import DeferredError, Transport
from workers.settings.sms import SmsSettings

FUJIAN = "2024-fujian"
SECRET = "s3cr3t-t0ken"
NUMBER = "13800000000"


class Receiver:
    """What came, and what it is answered."""

    def __init__(self) -> None:
        self.port, self.status = 0, 200
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers), json.loads(body)))
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


def told(engine: Engine, channel: str, address: str, *, user: str = FUJIAN, key: str = "k") -> None:
    set_channel(engine, user, channel, address, OPENS)
    with transaction(engine) as connection:
        said = {user: NotificationText("【推选】已停用", "端点已停用。\n")}
        notify(connection, Notification(key, "endpoint_disabled", None, said), OPENS)


async def send(engine: Engine, channel: Channel, transport: Transport) -> str:
    """Send what is due; return all that was logged and kept of it."""
    with capture_logs() as logs:
        await Sender(engine, transport, channel=channel).send_due()
    return repr(logs) + repr(deliveries(engine))


@pytest.mark.usefixtures("season")
class TestChat:
    async def test_the_bot_gets_subject_and_text(self, engine: Engine) -> None:
        with receiving() as receiver:
            told(engine, Channel.CHAT, f"json://127.0.0.1:{receiver.port}/{SECRET}")
            shown = await send(engine, Channel.CHAT, ChatTransport())

        ((_, body),) = receiver.got
        assert (body["title"], body["message"].strip()) == ("【推选】已停用", "端点已停用。")
        assert deliveries(engine)[0].status == "sent"
        assert SECRET not in shown

    async def test_a_bot_that_refuses_is_tried_again_and_its_address_never_shows(
        self, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        with receiving() as receiver:
            receiver.status = 500
            told(engine, Channel.CHAT, f"json://127.0.0.1:{receiver.port}/{SECRET}")
            shown = await send(engine, Channel.CHAT, ChatTransport())

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

        for number in range(60):  # more than one look finds
            told(engine, Channel.CHAT, "json://hangs.example.invalid", key=f"k{number}")
        told(engine, Channel.CHAT, "json://works.example.invalid", user="2024-hunan")
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
        told(engine, Channel.CHAT, f"json://{SECRET}")
        with transaction(engine) as connection:  # one that an older Apprise may have known
            gone = update(table_of(UserChannel)).values(address=f"nonsense://{SECRET}")
            connection.execute(gone)

        shown = await send(engine, Channel.CHAT, ChatTransport())

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
            told(engine, Channel.SMS, NUMBER)
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
        told(engine, Channel.SMS, NUMBER)
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
        told(engine, Channel.SMS, NUMBER)
        await send(engine, Channel.SMS, SmsTransport(SmsSettings(url=url), timeout=1.0))
        server.close()
        server.close_clients()  # type: ignore[attr-defined] # since Python 3.13

        assert (deliveries(engine)[0].status, deliveries(engine)[0].attempts) == ("waiting", 0)

    async def test_a_gateway_that_is_away_counts_against_no_message(self, engine: Engine) -> None:
        told(engine, Channel.SMS, NUMBER)

        await send(
            engine, Channel.SMS, SmsTransport(SmsSettings(url=HttpUrl("http://127.0.0.1:1/")))
        )

        assert (deliveries(engine)[0].status, deliveries(engine)[0].attempts) == ("waiting", 0)


@pytest.mark.usefixtures("season")
class TestChoosing:
    @pytest.mark.parametrize(
        ("user", "channel", "address", "code"),
        [
            ("nobody", Channel.SMS, NUMBER, "unknown_user"),
            (FUJIAN, "pigeon", NUMBER, "unknown_channel"),
            (FUJIAN, Channel.SMS, "a number", "bad_address"),
            (FUJIAN, Channel.CHAT, SECRET, "bad_address"),
            (FUJIAN, Channel.CHAT, f"nonsense://{SECRET}", "bad_address"),
        ],
    )
    def test_what_cannot_work_is_refused_without_the_address(
        self, engine: Engine, user: str, channel: str, address: str, code: str
    ) -> None:
        with pytest.raises(Refused, match=code) as refused:
            set_channel(engine, user, channel, address, OPENS)

        assert address not in str(refused.value)

    @pytest.mark.parametrize(
        "address", [f"wecombot://{'k' * 20}", f"dingtalk://{'a' * 64}", "feishu://abc123def456"]
    )
    def test_the_bots_of_wecom_dingtalk_and_feishu_are_known(
        self, engine: Engine, address: str
    ) -> None:
        set_channel(engine, FUJIAN, Channel.CHAT, address, OPENS)
        (found,) = [each for each in list_users(engine, "2024", "body") if each.id == FUJIAN]
        assert found.channels == ["chat"]

    def test_a_channel_that_was_removed_is_used_no_more(self, engine: Engine) -> None:
        told(engine, Channel.SMS, NUMBER)
        set_channel(engine, FUJIAN, Channel.SMS, None, OPENS)

        with transaction(engine) as connection:
            said = {FUJIAN: NotificationText("s", "t")}
            assert notify(connection, Notification("k2", "e", None, said), OPENS).deliveries == 0
