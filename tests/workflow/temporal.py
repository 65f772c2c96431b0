"""A real Temporal dev server for tests: it can be killed, started again, and lose its store."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from tests.ports import HeldPort
from tests.waiting import until
from workers.servers.found import Binary
from workers.servers.ports import LOOPBACK
from workers.servers.temporal import find_temporal, temporal_command
from workflows import names

IDENTITY = "tuixuan-test"
"""Histories name who polled: not the machine on which they were recorded."""


class Temporal:
    """The server as we start it.

    Args:
        folder: Where its store is.
        settings: More of its dynamic configuration.
        bare: Without our namespace and search attributes, as somebody else's server.
    """

    def __init__(self, folder: Path, *settings: str, bare: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._held = HeldPort(), HeldPort()
        self.port, ui_port = (held.number for held in self._held)
        self._command = temporal_command(
            _binary(), db_file=folder / "temporal.db", port=self.port, ui_port=ui_port
        )
        if bare:
            self._command = without_ours(self._command)
        for setting in settings:
            self._command += ["--dynamic-config-value", setting]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        assert self._process is None
        with (self._folder / "temporal.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it, unless it has ended; nothing of it is needed any more."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    def release_ports(self) -> None:
        """Keep its ports no longer: it will not be started again."""
        for held in self._held:
            held.release()

    def lose_store(self) -> None:
        """Remove all that the killed server kept."""
        assert self._process is None
        for file in self._folder.glob("temporal.db*"):
            file.unlink()

    async def client(self) -> Client:
        """Return a client as soon as the server knows our namespace and search attributes."""
        return await until(self._client, "Temporal serves")

    async def _client(self) -> Client | None:
        assert self._process is not None
        assert self._process.poll() is None, f"Temporal ended with {self._process.returncode}"
        with contextlib.suppress(RPCError, RuntimeError):
            client = await Client.connect(
                self.address,
                namespace=names.NAMESPACE,
                data_converter=pydantic_data_converter,
                identity=IDENTITY,
            )
            if await _knows_attributes(client):
                return client
        return None

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()
        self._process = None


def without_ours(command: list[str]) -> list[str]:
    """Return the command of a server that knows nothing of us."""
    kept, words = [], iter(command)
    for word in words:
        if word in ("--search-attribute", "--namespace"):
            next(words)
        else:
            kept.append(word)
    return kept


@contextlib.contextmanager
def running_temporal(folder: Path, *settings: str, bare: bool = False) -> Iterator[Temporal]:
    server = Temporal(folder, *settings, bare=bare)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.release_ports()


@cache
def _binary() -> Path:
    found = find_temporal({**os.environ, "TEMPORAL_ADDRESS": ""})
    assert isinstance(found, Binary)
    return found.path


async def _knows_attributes(client: Client) -> bool:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=names.NAMESPACE)
    )
    return set(names.SEARCH_ATTRIBUTES) <= set(known.custom_attributes)
