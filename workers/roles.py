"""What each worker runs: its connections, its work, and the mark that it serves."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from models.store.engine import SHORT_LOCK_WAIT, opened_engine
from workers.folder.readiness import marked_ready
from workers.processes import WorkerRole
from workers.servers.nats_users import NatsUser
from workers.settings.worker import WorkerSettings
from workers.stack.ports import PORTS

type Run = Callable[[WorkerSettings, asyncio.Event], Coroutine[Any, Any, None]]
"""Runs a worker until the event is set."""


async def cases(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Run the workflows of the cases and the activities of the record."""
    from workers.cases.worker import LOCAL_ACTIVITIES, case_worker
    from workers.logs.setup import forward_temporal_core
    from workers.temporal_client import connect

    forward_temporal_core()
    client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
    with (
        opened_engine(settings.database_url, lock_wait=SHORT_LOCK_WAIT) as engine,
        ThreadPoolExecutor(LOCAL_ACTIVITIES, thread_name_prefix="record") as executor,
    ):
        cached = settings.cases.max_cached_workflows
        async with case_worker(client, engine, executor, max_cached=cached):
            await _serve(WorkerRole.CASES, settings, stop.wait())


async def relay(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Publish the outbox to the stream."""
    from workers.connections import stream
    from workers.stream.jetstream import ensure_streams
    from workers.stream.relay import Relay

    async with stream(settings.nats_as(NatsUser.RELAY), WorkerRole.RELAY) as js:
        await ensure_streams(js)
        with opened_engine(settings.database_url, lock_wait=SHORT_LOCK_WAIT) as engine:
            await _serve(WorkerRole.RELAY, settings, Relay(engine, js).run(stop))


async def audit(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Copy every event into the audit's own store."""
    from services.audit.digest_file import DigestFile
    from workers.audit import run
    from workers.connections import stream

    places = settings.places
    signed = DigestFile(places.audit_digests, places.audit_key, settings.audit.signing_key)
    async with stream(settings.nats_as(NatsUser.AUDIT), WorkerRole.AUDIT) as js:
        with (
            opened_engine(settings.database_url, lock_wait=SHORT_LOCK_WAIT) as engine,
            opened_engine(settings.audit_database_url, lock_wait=SHORT_LOCK_WAIT) as store,
        ):
            work = run(js, engine, store, places.audit_anchor, stop, digests=signed)
            await _serve(WorkerRole.AUDIT, settings, work)


async def notify(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Notify people of events: inbox messages, mails, chat and short messages."""
    from workers.connections import stream
    from workers.notify.run import OutgoingSettings, run

    async with stream(settings.nats_as(NatsUser.NOTIFY), WorkerRole.NOTIFY) as js:
        with opened_engine(settings.database_url, lock_wait=SHORT_LOCK_WAIT) as engine:
            outgoing = OutgoingSettings(
                settings.mail, settings.sms, settings.portal.public, settings.webhook
            )
            work = run(js, engine, outgoing, stop)
            await _serve(WorkerRole.NOTIFY, settings, work)


async def webhook(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Send events to the endpoints of other systems."""
    from services.webhooks.secret_box import SecretBox
    from workers.connections import stream
    from workers.webhook.run import run

    async with stream(settings.nats_as(NatsUser.WEBHOOK), WorkerRole.WEBHOOK) as js:
        secrets = SecretBox(settings.places.secrets_key)
        with opened_engine(
            settings.database_url, lock_wait=SHORT_LOCK_WAIT, secrets=secrets
        ) as engine:
            work = run(js, engine, settings.webhook, stop)
            await _serve(WorkerRole.WEBHOOK, settings, work)


async def reconcile(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Compare the four records each night, and after a stop that was not clean."""
    from workers.connections import stream
    from workers.logs.setup import forward_temporal_core
    from workers.reconcile import make_activities, serve
    from workers.temporal_client import connect

    forward_temporal_core()
    client = await connect(settings.temporal_address, namespace=settings.temporal_namespace)
    async with stream(settings.nats_as(NatsUser.RECONCILE), WorkerRole.RECONCILE) as js:
        with (
            opened_engine(settings.database_url, lock_wait=SHORT_LOCK_WAIT) as engine,
            opened_engine(settings.audit_database_url, lock_wait=SHORT_LOCK_WAIT) as store,
        ):
            activities = make_activities(engine, store, client, js)
            async with serve(client, activities, settings.places.unclean):
                await _serve(WorkerRole.RECONCILE, settings, stop.wait())


async def portal(settings: WorkerSettings, stop: asyncio.Event) -> None:
    """Serve the web portal."""
    from portal.app import application
    from portal.server import listening, serve

    with (
        opened_engine(settings.database_url) as engine,
        listening(settings.portal.port or PORTS["portal"].usual) as listener,
    ):
        app = application(engine, settings.mail.domain)
        await _serve(WorkerRole.PORTAL, settings, serve(app, listener, stop))


async def _serve(
    role: WorkerRole, settings: WorkerSettings, work: Coroutine[Any, Any, Any]
) -> None:
    """Do the work, marked as ready meanwhile."""
    with marked_ready(settings.places.ready_file(role)):
        await work


RUN: Mapping[WorkerRole, Run] = {
    WorkerRole.CASES: cases,
    WorkerRole.RELAY: relay,
    WorkerRole.AUDIT: audit,
    WorkerRole.NOTIFY: notify,
    WorkerRole.WEBHOOK: webhook,
    WorkerRole.RECONCILE: reconcile,
    WorkerRole.PORTAL: portal,
}
