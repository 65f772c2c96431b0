"""What each worker process runs: its connections, its work, and the moment it serves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.store.engine import open_engine
from workers.folder.readiness import marked_ready
from workers.settings.worker import WorkerSettings
from workers.stack.ports import PREFERRED

Run = Callable[[WorkerSettings, asyncio.Event], Awaitable[None]]

STREAM_TIMEOUT = 5.0
"""Seconds for one question to JetStream."""


class ConnectionLost(Exception):
    """A connection ended for good; the supervisor starts the process anew."""


async def cases(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Serve the workflows of the cases and the activities of the record."""
    from workers.cases.worker import LOCAL_ACTIVITIES, case_worker
    from workers.logs.setup import forward_temporal_core
    from workers.temporal_client import connect

    forward_temporal_core()
    client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
    with (
        _engine(settings.database_url) as engine,
        ThreadPoolExecutor(LOCAL_ACTIVITIES, thread_name_prefix="record") as executor,
    ):
        cached = settings.cases.max_cached_workflows
        async with case_worker(client, engine, executor, max_cached=cached):
            await _serve("cases", settings, stop.wait())


async def relay(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Carry the outbox to the stream."""
    from workers.stream.connection import ensure_streams
    from workers.stream.relay import Relay

    async with _stream("relay", settings) as js:
        await ensure_streams(js)
        with _engine(settings.database_url) as engine:
            await _serve("relay", settings, Relay(engine, js).run(stop))


async def audit(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Witness every event in a store of its own."""
    from services.audit.signing import DigestFile
    from workers.audit import run

    places = settings.places
    signed = DigestFile(places.audit_digests, places.audit_key, settings.audit.signing_key)
    async with _stream("audit", settings) as js:
        with (
            _engine(settings.database_url) as engine,
            _engine(settings.audit_database_url) as store,
        ):
            work = run(js, engine, store, places.audit_anchor, stop, digests=signed)
            await _serve("audit", settings, work)


async def notify(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Tell people of events, and send the mails that this leaves."""
    from workers.notify.run import Ways, run

    async with _stream("notify", settings) as js:
        with _engine(settings.database_url) as engine:
            await _serve(
                "notify", settings, run(js, engine, Ways(settings.mail, settings.sms), stop)
            )


async def webhook(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Send events to the endpoints of other systems."""
    from workers.webhook.run import run

    async with _stream("webhook", settings) as js:
        with _engine(settings.database_url) as engine:
            await _serve("webhook", settings, run(js, engine, settings.webhook, stop))


async def reconcile(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Compare the records each night, and after a stop that was not clean."""
    from workers.logs.setup import forward_temporal_core
    from workers.reconcile import Reconciling, serve
    from workers.temporal_client import connect

    forward_temporal_core()
    client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
    async with _stream("reconcile", settings) as js:
        with (
            _engine(settings.database_url) as engine,
            _engine(settings.audit_database_url) as store,
        ):
            unclean = settings.places.unclean
            async with serve(client, Reconciling(engine, store, client, js), unclean):
                await _serve("reconcile", settings, stop.wait())


async def portal(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Serve the web."""
    from portal.app import application
    from portal.server import listening, serve

    with (
        _engine(settings.database_url) as engine,
        listening(settings.portal.port or PREFERRED["portal"]) as listener,
    ):
        app = application(engine, settings.mail.domain)
        await _serve("portal", settings, serve(app, listener, stop))


async def _serve(role: str, settings: WorkerSettings, work: Coroutine[Any, Any, Any]) -> None:
    """Do the work, and say meanwhile that the role serves."""
    with marked_ready(settings.places.ready_file(role)):
        await work


@asynccontextmanager
async def _stream(role: str, settings: WorkerSettings) -> AsyncIterator[JetStreamContext]:
    """Connect to JetStream; the block is cancelled when the connection ends for good.

    Raises:
        ConnectionLost: it did.
    """
    from workers.stream.connection import connect

    task, leaving = asyncio.current_task(), False
    lost = False

    def closed() -> None:
        nonlocal lost
        if not leaving and task is not None:
            lost = True
            task.cancel()

    connection = await connect(settings.nats_url, role, on_closed=closed)
    try:
        yield connection.jetstream(timeout=STREAM_TIMEOUT)
    except asyncio.CancelledError:
        if lost:
            raise ConnectionLost(role) from None
        raise
    finally:
        leaving = True
        await connection.close()


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


ROLES: Mapping[str, Run] = {
    "cases": cases,
    "relay": relay,
    "audit": audit,
    "notify": notify,
    "webhook": webhook,
    "reconcile": reconcile,
    "portal": portal,
}
