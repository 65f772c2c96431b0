"""The pages of a worker: alive, ready, started, its version, its metrics."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from workers.health.checks import Check, Checks
from workers.health.pulse import Pulse
from workers.logs.setup import app_version
from workers.processes import WorkerRole

type Answer = tuple[bool, dict[str, Any]]
"""Whether all is well, and what to say."""

STATUS = {True: "200 OK", False: "503 Service Unavailable", None: "404 Not Found"}


class Health:
    """The answers of one process.

    Args:
        role: What the process does.
        checks: A check for each server that it needs.
        started: Tells whether it serves yet.
        pulse: The beat of its loop.
    """

    def __init__(
        self,
        role: WorkerRole,
        checks: Mapping[str, Check],
        started: Callable[[], bool],
        pulse: Pulse,
    ) -> None:
        self._role, self._started, self._pulse = role, started, pulse
        self._checks = Checks(checks)
        self._pages = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/startupz": self._startup,
            "/version": self._version,
        }

    def answer(self, path: str) -> Answer | None:
        """Return the answer for a page, or None if there is no such page."""
        page = self._pages.get(path)
        return None if page is None else page()

    def close(self) -> None:
        """Stop without waiting for checks that hang."""
        self._checks.close()

    def _live(self) -> Answer:
        live = self._pulse.lives
        return live, {"live": live}

    def _version(self) -> Answer:
        return True, {"role": self._role, "version": app_version()}

    def _startup(self) -> Answer:
        started = self._started()
        return started, {"started": started}

    def _ready(self) -> Answer:
        missing = self._checks.missing()
        if not self._started():
            missing["worker"] = "it has not come to serve"
        return not missing, {"ready": not missing, "missing": missing}


def application(health: Health, metrics: WSGIApplication) -> WSGIApplication:
    """Return the pages of a process as a WSGI application."""

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, respond)
        well, said = health.answer(path) or (None, {"missing": path})
        respond(STATUS[well], [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [json.dumps(said).encode()]

    return answer
