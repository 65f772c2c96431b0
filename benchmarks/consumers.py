"""The consumers of events beside the worker of the cases, and a receiver of webhooks.

They are stopped and continued by signals: so one round meets them and the next does not, on
the same servers with the same store.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from sqlalchemy import Engine, func, select, update
from standardwebhooks import Webhook

from benchmarks.processes import START_SECONDS, process
from models import tables
from models.store.engine import open_engine, reading, transaction
from models.store.upgrade import upgrade_audit
from models.webhooks.status import WebhookStatus
from services.clock import now
from workers.folder.places import Places
from workers.servers.found import Binary
from workers.servers.nats import find_nats, nats_command, own_nats_url, write_nats_conf
from workers.servers.nats_users import access, passwords
from workers.servers.ports import LOOPBACK, free_ports

ROLES = ("relay", "audit", "notify", "webhook")


@dataclass
class Receiver:
    """An endpoint that verifies what it gets, and notes when it came.

    Attributes:
        url: Its address.
        secret: What `webhook add` said; nothing is accepted before it is known.
        seconds: Event id → from the event's own time, which lies before its commit, to here.
        again: How many came more than once.
    """

    url: str
    secret: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    again: int = 0

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        """Verify and note one message.

        Raises:
            WebhookVerificationError: It is not signed by the endpoint's secret.
        """
        arrived = time.time()
        Webhook(self.secret).verify(body, headers)
        event = json.loads(body)
        self.again += event["id"] in self.seconds
        happened = datetime.fromisoformat(event["time"]).timestamp()
        self.seconds.setdefault(event["id"], arrived - happened)


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Serve a receiver on loopback, in threads of this process."""
    (port,) = free_ports(1)
    found = Receiver(f"http://{LOOPBACK}:{port}/events")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.take(body, {name.lower(): text for name, text in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Consumers:
    """The processes, all running or all stopped."""

    pids: tuple[int, ...]
    engine: Engine

    def stop(self) -> None:
        """Let them stand still."""
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    async def go_on(self) -> None:
        """Let them work again; return when nothing waits for them."""
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)
        await self.caught_up()

    async def caught_up(self) -> None:
        """Return when every event is published and every webhook is delivered."""
        async with asyncio.timeout(START_SECONDS):
            while await asyncio.to_thread(self._waiting):  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.05)

    def _waiting(self) -> int:
        unpublished = select(func.count()).where(tables.outbox.c.published_at.is_(None))
        unsent = select(func.count()).where(
            tables.webhook_delivery.c.status == WebhookStatus.WAITING
        )
        announced = select(func.count()).where(tables.outbox.c.stream_seq.is_not(None))
        fanned_out = select(func.count()).select_from(tables.webhook_delivery)
        with reading(self.engine) as connection:
            ahead = connection.scalar(unpublished) or connection.scalar(unsent) or 0
            behind = (connection.scalar(announced) or 0) - (connection.scalar(fanned_out) or 0)
        return ahead + behind


def forget_backlog(engine: Engine) -> None:
    """Leave unannounced what happened before there were consumers: it is not what is measured."""
    with transaction(engine) as connection:
        connection.execute(
            update(tables.outbox)
            .where(tables.outbox.c.published_at.is_(None))
            .values(published_at=now())
        )


def state_of(folder: Path) -> Places:
    """Return the state folder of the consumers of a run."""
    return Places(folder / "state")


@contextlib.asynccontextmanager
async def consumers(folder: Path, engine: Engine) -> AsyncIterator[Consumers]:
    """Run NATS and each consumer as `make up` does, on the record of this run."""
    places = state_of(folder)
    places.prepare()
    store = open_engine(places.audit_url)
    upgrade_audit(store)
    store.dispose()
    binary = find_nats(dict(os.environ))
    assert isinstance(binary, Binary)
    (port,) = free_ports(1)
    url = own_nats_url(port)
    known = access(passwords(places.nats_users, url))
    conf = write_nats_conf(places.nats_conf, port=port, store_dir=places.nats_store, access=known)
    environ = {
        **os.environ,
        "DATABASE_URL": str(engine.url),
        "TUIXUAN_DATABASE__AUDIT_URL": places.audit_url,
        "NATS_URL": url,
        "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    command = [sys.executable, "-m", "cli", "worker"]
    with contextlib.ExitStack() as running:
        running.enter_context(process("nats", nats_command(binary.path, conf), folder))
        pids = [
            running.enter_context(
                process(role, [*command, role, "--state-dir", str(places.root)], folder, environ)
            )
            for role in ROLES
        ]
        async with asyncio.timeout(START_SECONDS):
            while not all(places.ready_file(role).exists() for role in ROLES):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        found = Consumers(tuple(pids), engine)
        try:
            yield found
        finally:
            for pid in pids:  # one that stands still hears no SIGTERM
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
