"""A bot or a gateway that notes what it gets, and a sender of one channel."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.notifications.delivery import Channel
from models.notifications.texts import NotificationText
from models.store.engine import transaction
from services.notifications.channels import set_channel
from services.notifications.deliveries import deliveries
from services.notifications.fan_out import Notification, notify
from tests.factories import OPENS
from workers.notify.sender import Sender
from workers.notify.transport import Transport

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


def notify_by(
    engine: Engine, channel: str, address: str, *, user: str = FUJIAN, key: str = "k"
) -> None:
    set_channel(engine, user, channel, address, OPENS)
    with transaction(engine) as connection:
        said = {user: NotificationText("【推选】已停用", "端点已停用。\n")}
        notify(connection, Notification(key, "endpoint_disabled", None, said), OPENS)


async def send(engine: Engine, channel: Channel, transport: Transport) -> str:
    """Send what is due; return all that was logged and kept of it."""
    with capture_logs() as logs:
        await Sender(engine, transport, channel=channel).send_due()
    return repr(logs) + repr(deliveries(engine))
