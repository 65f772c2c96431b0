"""Whether the servers that a worker needs are there: one check for each."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Engine, text

from models.store.engine import reading
from workers.processes import NEEDS, Server, WorkerRole
from workers.servers.nats_users import NatsUser
from workers.settings.worker import WorkerSettings
from workers.stack import probes

PATIENCE = 1.0
"""Seconds in which a server must answer to count as there."""

type Check = Callable[[], str | None]
"""Returns what is missing, or None."""


def checks_of(role: WorkerRole, settings: WorkerSettings, engine: Engine) -> dict[str, Check]:
    """Return a check for each server that a role needs."""

    def database() -> None:
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))

    def nats() -> str | None:
        return asyncio.run(_nats(settings))

    def temporal() -> str | None:
        address, namespace = settings.temporal_address, settings.temporal_namespace
        return asyncio.run(probes.temporal(address, namespace))

    known: dict[Server, Check] = {
        Server.DATABASE: database,
        Server.NATS: nats,
        Server.TEMPORAL: temporal,
    }
    return {server: known[server] for server in NEEDS[role]}


async def _nats(settings: WorkerSettings) -> str | None:
    """Ask whether NATS answers, and whether our own one can write."""
    if trouble := await probes.nats(settings.nats_as(NatsUser.PROBE)):
        return trouble
    return await probes.nats_store(settings.nats_url, settings.places)


class Checks:
    """Runs checks in threads of its own, all at once."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._pool = ThreadPoolExecutor(len(checks) + 4, thread_name_prefix="ready")
        self._asked: dict[str, Future[str | None]] = {}

    def missing(self) -> dict[str, str]:
        """Return what is missing, by name. A check that still hangs is not started again."""
        for name, check in self._checks.items():
            if name not in self._asked or self._asked[name].done():
                self._asked[name] = self._pool.submit(check)
        return {name: why for name in self._checks if (why := self._outcome(name)) is not None}

    def close(self) -> None:
        """Stop without waiting for checks that hang."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _outcome(self, name: str) -> str | None:
        try:
            return self._asked[name].result(PATIENCE)
        except TimeoutError:
            return f"no answer within {PATIENCE:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is missing
            return type(error).__name__
