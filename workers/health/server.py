"""What a worker says of itself over HTTP: alive, ready, its version, its metrics.

It answers from a thread of its own, also while the loop is busy. An orchestrator asks
`/livez` and `/readyz`, Prometheus `/metrics`. Nothing here can change anything.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from sqlalchemy import Engine, text

from models.store.engine import open_engine, reading
from workers.folder.readiness import is_marked
from workers.logs.setup import app_version
from workers.servers.ports import LOOPBACK
from workers.settings.worker import WorkerSettings
from workers.stack import probes

PATIENCE = 1.0
"""Seconds in which a server must answer to count as there."""
HUNG = 30.0
"""Seconds without a beat after which a loop counts as hung; no work of ours holds it so long."""
DEFAULT_NEEDS = ("database", "nats")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "cases": ("database", "temporal"),
    "reconcile": ("database", "nats", "temporal"),
    "portal": ("database",),
}
"""Without which servers a role cannot work, where not the database and NATS."""

type Check = Callable[[], str | None]
"""Returns what is missing; None: nothing."""

log = structlog.get_logger(__name__)


class Pulse:
    """The beat of a loop: as long as it beats, the process works."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin alive."""
        self._clock = clock
        self._at = clock()

    @property
    def silence(self) -> float:
        """How many seconds ago the last beat was."""
        return self._clock() - self._at

    async def beat(self, every: float = 1.0) -> None:
        """Beat on the loop that runs this, until it is cancelled."""
        while True:
            self._at = self._clock()
            await asyncio.sleep(every)


class Health:
    """The answers of one process."""

    def __init__(
        self, role: str, checks: Mapping[str, Check], started: Callable[[], bool],
        pulse: Pulse,
    ) -> None:  # fmt: skip
        """Take what is asked.

        Args:
            role: What the process does.
            checks: A check for each server that it needs.
            started: Whether it has come to serve.
            pulse: The beat of its loop.
        """
        self._role, self._checks, self._started = role, checks, started
        self._pulse = pulse
        self._pool = ThreadPoolExecutor(len(checks) + 4, thread_name_prefix="ready")
        self._asked: dict[str, Future[str | None]] = {}

    def answer(self, path: str) -> tuple[bool, dict[str, Any]] | None:
        """Return whether all is well, and what to say; None: there is no such page."""
        pages = {"/livez": self._live, "/readyz": self._ready, "/startupz": self._startup,
                 "/version": self._version}  # fmt: skip
        return pages[path]() if path in pages else None

    def close(self) -> None:
        """Wait for no answer any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _live(self) -> tuple[bool, dict[str, Any]]:
        live = self._pulse.silence < HUNG
        return live, {"live": live}

    def _version(self) -> tuple[bool, dict[str, Any]]:
        return True, {"role": self._role, "version": app_version()}

    def _startup(self) -> tuple[bool, dict[str, Any]]:
        started = self._started()
        return started, {"started": started}

    def _ready(self) -> tuple[bool, dict[str, Any]]:
        """Ask all at once; a check that still hangs is not asked again beside itself."""
        for name, check in self._checks.items():
            if name not in self._asked or self._asked[name].done():
                self._asked[name] = self._pool.submit(check)
        missing = {name: why for name in self._checks if (why := self._outcome(name)) is not None}
        if not self._started():
            missing["worker"] = "it has not come to serve"
        return not missing, {"ready": not missing, "missing": missing}

    def _outcome(self, name: str) -> str | None:
        try:
            return self._asked[name].result(PATIENCE)
        except TimeoutError:
            return f"no answer within {PATIENCE:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is missing
            return type(error).__name__


def checks_of(role: str, settings: WorkerSettings, engine: Engine) -> dict[str, Check]:
    """Return a check for each server that a role needs."""

    def database() -> None:
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))

    def nats() -> str | None:
        return asyncio.run(probes.nats(settings.nats_url))

    def temporal() -> str | None:
        address, namespace = settings.temporal_address, settings.temporal_namespace
        return asyncio.run(probes.temporal(address, namespace))

    known: dict[str, Check] = {"database": database, "nats": nats, "temporal": temporal}
    return {name: known[name] for name in NEEDS.get(role, DEFAULT_NEEDS)}


@contextmanager
def served_health(role: str, settings: WorkerSettings) -> Iterator[None]:
    """Answer for the length of a block on a running loop, where a port was given."""
    if settings.metrics.port is None:
        yield
        return
    from prometheus_client import make_wsgi_app

    from workers.health.metrics import registry_of

    ready = settings.places.ready_file(role)
    engine = open_engine(settings.database_url, pool_size=2)
    audit = open_engine(settings.audit_database_url, pool_size=2)
    pulse, checks = Pulse(), checks_of(role, settings, engine)
    health = Health(role, checks, lambda: is_marked(ready, os.getpid()), pulse)
    beating = asyncio.get_running_loop().create_task(pulse.beat())
    metrics = make_wsgi_app(registry_of(role, settings, engine, audit))
    try:
        with serving(
            application(health, metrics), settings.metrics.port, str(settings.metrics.host)
        ):
            yield
    finally:
        beating.cancel()
        health.close()
        engine.dispose()
        audit.dispose()


def application(health: Health, metrics: WSGIApplication) -> WSGIApplication:
    """Return the pages of a process."""

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, respond)
        well, said = health.answer(path) or (None, {"missing": path})
        status = {True: "200 OK", False: "503 Service Unavailable", None: "404 Not Found"}[well]
        respond(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [json.dumps(said).encode()]

    return answer


@contextmanager
def serving(app: WSGIApplication, port: int, host: str = LOOPBACK) -> Iterator[int]:
    """Serve an application for the length of a block; yield the port.

    A port that is taken leaves the worker without these pages, and does not stop it.
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
    """A slow asker holds up nobody."""

    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Bind, and ask no name server who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    """Each scrape is no line of the log."""

    timeout = 5

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""
