"""Both servers start from our command lines, with our settings, and keep their state."""

import asyncio
import contextlib
import json
import os
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client as Connection
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from tests.ports import HeldPort
from tests.slack import slack
from tests.waiting import until
from workers.folder.places import Places
from workers.servers.found import Binary
from workers.servers.nats import find_nats, nats_command, write_nats_conf
from workers.servers.temporal import find_temporal
from workers.stack import programs

TYPES = {1: "Text", 2: "Keyword", 3: "Int", 4: "Double", 5: "Bool", 6: "Datetime"}


@contextlib.asynccontextmanager
async def running(
    command: list[str], log: Path, folder: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=output, cwd=folder
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def connect(process: asyncio.subprocess.Process, address: str) -> Client:
    async def connected() -> Client | None:
        assert process.returncode is None
        with contextlib.suppress(RuntimeError, RPCError):
            client = await Client.connect(address, namespace="tuixuan")
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace="tuixuan")
            )
            return client
        return None

    return await until(connected, "the server knows the namespace")


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=slack(10)) as response:  # noqa: S310 - our own loopback
        body: bytes = response.read()
    return body


async def test_temporal_serves_our_namespace_with_our_search_attributes(tmp_path: Path) -> None:
    found = find_temporal(_own())
    assert isinstance(found, Binary)
    held = HeldPort(), HeldPort()
    port, ui_port = (each.number for each in held)
    places = Places(tmp_path / "q?x %41#库")  # parts of an address, in the name of a folder
    places.prepare()
    server = programs.temporal(
        found.path, "tuixuan", {"temporal": port, "temporal_ui": ui_port}, places
    )

    for _start in ("the first", "on the same file"):
        async with running(server.command, tmp_path / "log", server.folder) as process:
            client = await connect(process, f"127.0.0.1:{port}")
            answer = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace="tuixuan")
            )
            page = await asyncio.to_thread(get, f"http://127.0.0.1:{ui_port}/")

        assert {name: TYPES[kind] for name, kind in answer.custom_attributes.items()} == {
            "CaseState": "Keyword",
            "CaseSeq": "Int",
            "Season": "Keyword",
            "Category": "Keyword",
            "Body": "Keyword",
            "Deadline": "Datetime",
            "Overdue": "Bool",
            "ReturnRounds": "Int",
        }
        assert b"<html" in page
        assert process.returncode == 0
    assert places.temporal_db.stat().st_size > 0
    assert await asyncio.to_thread(_names, tmp_path) == {"log", places.root.name}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_nats_keeps_a_stream_with_every_write_on_the_disk(tmp_path: Path) -> None:
    found = find_nats(_own())
    assert isinstance(found, Binary)
    held = HeldPort(), HeldPort()
    port, monitor_port = (each.number for each in held)
    shown = f'http: "127.0.0.1:{monitor_port}"'
    store = tmp_path / "库 with spaces"
    conf = write_nats_conf(tmp_path / "run" / "nats.conf", port=port, store_dir=store, access=shown)
    command = nats_command(found.path, conf)

    async with running(command, tmp_path / "log") as process:
        connection = await nats_connect(process, port)
        stream = connection.jetstream()
        await stream.add_stream(name="KEPT", subjects=["kept.*"])
        acknowledged = await stream.publish("kept.one", b"1")
        account = await asyncio.to_thread(_json, f"http://127.0.0.1:{monitor_port}/jsz")
        await connection.close()
        process.kill()

    assert acknowledged.seq == 1
    assert account["config"]["store_dir"].startswith(str(store))
    assert account["config"]["sync_always"] is True

    async with running(command, tmp_path / "log") as process:
        connection = await nats_connect(process, port)
        kept = await connection.jetstream().get_last_msg("KEPT", "kept.one")
        await connection.close()

    assert kept.data == b"1"


async def nats_connect(process: asyncio.subprocess.Process, port: int) -> Connection:
    async def connected() -> Connection | None:
        assert process.returncode is None
        with contextlib.suppress(OSError, nats.errors.Error):
            return await nats.connect(
                f"nats://127.0.0.1:{port}", allow_reconnect=False, reconnect_time_wait=0.05
            )
        return None

    return await until(connected, "the server takes a connection")


def _own() -> dict[str, str]:
    """Return an environment in which nobody else runs the servers."""
    return {k: v for k, v in os.environ.items() if k not in {"TEMPORAL_ADDRESS", "NATS_URL"}}


def _json(url: str) -> Any:
    return json.loads(get(url))
