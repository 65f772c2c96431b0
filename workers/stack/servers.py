"""The servers and the databases of a stack: ours or somebody else's."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workers.folder.places import Places
from workers.folder.report import Addresses
from workers.servers.found import Binary, Running
from workers.servers.nats import find_nats
from workers.servers.ports import LOOPBACK
from workers.servers.temporal import find_temporal
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings
from workers.stack import probes, programs
from workers.stack.programs import Program

Say = Callable[[str], None]

PATIENCE = 30.0
"""Seconds in which a server of somebody else must answer."""


class ServerUnavailable(Exception):
    """A server that somebody else runs does not answer."""

    def __init__(self, variable: str, address: str, why: str) -> None:
        super().__init__(variable, address, why)
        self.variable, self.address, self.why = variable, address, why


@dataclass(frozen=True)
class Servers:
    """Where each server comes from; a path: we start it."""

    temporal: Path | None
    nats: Path | None

    def port_names(self) -> list[str]:
        """Return the ports that our own servers and workers need."""
        names = ["temporal", "temporal_ui"] if self.temporal else []
        names += ["nats", "nats_monitor"] if self.nats else []
        names.append("portal")
        return names + [programs.health_port(role) for role in programs.ROLES]


def find_servers(settings: StackSettings, say: Say) -> Servers:
    """Find or make what is not somebody else's. May take minutes the first time.

    Raises:
        ServerMissing: one cannot be had.
    """
    environ = {
        **os.environ,
        "TEMPORAL_ADDRESS": settings.temporal.address or "",
        "NATS_URL": settings.nats.url or "",
    }
    return Servers(_path(find_temporal(environ, say=say)), _path(find_nats(environ)))


def _path(found: Running | Binary) -> Path | None:
    return found.path if isinstance(found, Binary) else None


def asked_ports(settings: StackSettings) -> dict[str, int | None]:
    """Return the ports that somebody asked for."""
    return {
        "temporal": settings.temporal.port,
        "temporal_ui": settings.temporal.ui_port,
        "nats": settings.nats.port,
        "nats_monitor": settings.nats.monitor_port,
        "portal": settings.portal.port,
    }


def settings_of_workers(settings: StackSettings, ports: Mapping[str, int]) -> WorkerSettings:
    """Return what the workers of this stack are told."""
    temporal = settings.temporal.address or f"{LOOPBACK}:{ports['temporal']}"
    nats = settings.nats.url or f"nats://{LOOPBACK}:{ports['nats']}"
    told = {
        "temporal": settings.temporal.model_copy(update={"address": temporal}),
        "nats": settings.nats.model_copy(update={"url": nats}),
        "portal": settings.portal.model_copy(update={"port": ports["portal"]}),
    }
    return WorkerSettings.of(settings.model_copy(update=told))


def addresses(told: WorkerSettings, ports: Mapping[str, int]) -> Addresses:
    """Return the same for people, without passwords."""
    ui, monitor = ports.get("temporal_ui"), ports.get("nats_monitor")
    return Addresses(
        temporal=told.temporal_address,
        temporal_ui=f"http://{LOOPBACK}:{ui}" if ui else None,
        nats=mask_password(told.nats_url),
        nats_monitor=f"http://{LOOPBACK}:{monitor}" if monitor else None,
        database=mask_password(told.database_url),
        audit=mask_password(told.audit_database_url),
        portal=f"http://{LOOPBACK}:{ports['portal']}",
    )


def variables(told: WorkerSettings) -> dict[str, str]:
    """Return the environment that tells a worker the same."""
    return {
        "TUIXUAN_STATE_DIR": str(told.state_dir),
        "TUIXUAN_TEMPORAL__ADDRESS": told.temporal_address,
        "TUIXUAN_TEMPORAL__NAMESPACE": told.temporal_namespace,
        "TUIXUAN_NATS__URL": told.nats_url,
        "TUIXUAN_DATABASE__URL": told.database_url,
        "TUIXUAN_DATABASE__AUDIT_URL": told.audit_database_url,
        "TUIXUAN_PORTAL__PORT": str(told.portal.port),
    }


def own_programs(
    servers: Servers, namespace: str, ports: Mapping[str, int], places: Places
) -> list[Program]:
    """Return the servers that we start."""
    own: list[Program] = []
    if servers.temporal:
        own.append(programs.temporal(servers.temporal, namespace, ports, places))
    if servers.nats:
        own.append(programs.nats(servers.nats, ports, places))
    return own


async def others_answer(settings: StackSettings, namespace: str) -> None:
    """Wait for the servers that somebody else runs.

    Raises:
        ServerAway: one does not answer, or lacks what we need.
    """
    if address := settings.temporal.address:
        ask = partial(probes.temporal, address, namespace)
        await _answers("TEMPORAL_ADDRESS", address, ask)
    if url := settings.nats.url:
        await _answers("NATS_URL", mask_password(url), partial(probes.nats, url))


async def _answers(variable: str, address: str, ask: Callable[[], Awaitable[str | None]]) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (trouble := await ask()) is not None:
        if asyncio.get_running_loop().time() > deadline:
            raise ServerUnavailable(variable, address, trouble)
        await asyncio.sleep(probes.TIMEOUT / 4)
