"""Receivers of webhooks inside the test's own loop; they verify as other people's would."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Self

from sqlalchemy import Engine
from standardwebhooks import Webhook

from models.cases.actors import Actor, Role
from models.webhooks.retries import WebhookRetries
from services.clock import now
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.factories import SEASON
from tests.ports import HeldPort
from workers.servers.ports import LOOPBACK
from workers.settings.webhook import WebhookSettings

type Answer = tuple[int, Mapping[str, str]]
OK: Answer = (204, {})
ORGANISER = Actor(role=Role.ORGANISER, id="organiser")
INSIDE = WebhookSettings(allowed_networks=("127.0.0.0/8",))
"""Receivers of tests are allowed. They have the usual time: a busy machine is no failure."""
TICK = timedelta(milliseconds=50)
QUICK = WebhookRetries(
    delays=(TICK,) * 9, jitter=0.0, probe=TICK, longest_probe=4 * TICK, poll=0.02,
    worth_hurrying=TICK,
)  # fmt: skip


class Receiver:
    """Start it, stop it, start it again: it keeps its port and what it got.

    Attributes:
        secret: With which every message is verified.
        ids: The `webhook-id` of what it took, in order.
        places: (case, seq) of what it took, in order.
        requests: All that came, also what it did not take: headers and body.
        answer: What a message is answered, by its id and how often it came.
        says: The text of each answer.
        delay: Seconds before each answer.
    """

    def __init__(self) -> None:
        self._held = HeldPort()
        self.port = self._held.number
        self.secret = ""
        self.ids: list[str] = []
        self.places: list[tuple[str, int]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[str, int], Answer] = lambda _id, _times: OK
        self.says = ""
        self.delay = 0.0
        self._times: dict[str, int] = {}
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/events"

    def took(self, event_id: str) -> Callable[[], bool]:
        """Return the question whether it took an event by now, for `until`."""
        return lambda: event_id in self.ids

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._held.release()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server.close_clients()  # type: ignore[attr-defined] # since Python 3.13
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.split("\r\n")[1:-2]
                headers = {
                    name.lower(): text.strip()
                    for name, _, text in (x.partition(":") for x in lines)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                status, more = await self._take(headers, body)
                extra = "".join(f"{name}: {text}\r\n" for name, text in more.items())
                said = self.says.encode()
                extra += f"Content-Length: {len(said)}\r\n"
                writer.write(f"HTTP/1.1 {status} X\r\n{extra}\r\n".encode() + said)
                await writer.drain()
        writer.close()

    async def _take(self, headers: dict[str, str], body: bytes) -> Answer:
        self.requests.append((headers, body))
        Webhook(self.secret).verify(body, headers)
        event_id = headers["webhook-id"]
        self._times[event_id] = self._times.get(event_id, 0) + 1
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = self.answer(event_id, self._times[event_id])
        if 200 <= answer[0] < 300:
            self.ids.append(event_id)
            data = json.loads(body)["data"]
            if "case_id" in data:
                self.places.append((data["case_id"], data["seq"]))
        return answer


def subscribe(engine: Engine, receiver: Receiver, owner: Actor = ORGANISER, **more: object) -> str:
    """Make the endpoint of a receiver, which learns its secret; return the endpoint's id."""
    added = add_endpoint(engine, NewEndpoint(SEASON, owner, receiver.url, **more), now())  # type: ignore[arg-type]
    receiver.secret = added.secret
    return added.id
