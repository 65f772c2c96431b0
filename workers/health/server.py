"""Serves a worker's health and metrics over HTTP.

It answers from a thread of its own, also while the loop is busy. An orchestrator asks
`/livez` and `/readyz`, Prometheus `/metrics`. Nothing here can change anything.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

import structlog

from models.store.engine import SHORT_LOCK_WAIT, opened_engine
from workers.folder.readiness import is_marked
from workers.health.checks import checks_of
from workers.health.pages import Health, application
from workers.health.pulse import Pulse
from workers.processes import WorkerRole
from workers.servers.ports import LOOPBACK
from workers.settings.worker import WorkerSettings

log = structlog.get_logger(__name__)


@contextmanager
def served_health(role: WorkerRole, settings: WorkerSettings, port: int | None) -> Iterator[None]:
    """Serve for the length of a block on a running loop, if a port was given."""
    if port is None:
        yield
        return
    from prometheus_client import make_wsgi_app

    from workers.health.metrics.registry import registry_of

    ready = settings.places.ready_file(role)
    with (
        opened_engine(settings.database_url, pool_size=2, lock_wait=SHORT_LOCK_WAIT) as engine,
        opened_engine(settings.audit_database_url, pool_size=2, lock_wait=SHORT_LOCK_WAIT) as audit,
    ):
        pulse, checks = Pulse(), checks_of(role, settings, engine)
        health = Health(role, checks, lambda: is_marked(ready, os.getpid()), pulse)
        beating = asyncio.get_running_loop().create_task(pulse.beat())
        app = application(health, make_wsgi_app(registry_of(role, settings, engine, audit)))
        try:
            with serving(app, port, str(settings.metrics.host)):
                yield
        finally:
            beating.cancel()
            health.close()


@contextmanager
def serving(app: WSGIApplication, port: int, host: str = LOOPBACK) -> Iterator[int]:
    """Serve an application for the length of a block; yield the port.

    If the port is in use, the worker runs without these pages.
    """
    try:
        server = make_server(host, port, app, _HealthServer, _Quiet)
    except OSError as error:
        log.warning("health_not_served", alarm=True, port=port, error=str(error))
        yield 0
        return
    thread = Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _HealthServer(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread, so that a slow client holds up nobody."""

    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Bind without asking a name server for our own name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    """Keeps requests out of the log."""

    timeout = 5

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Write nothing."""
