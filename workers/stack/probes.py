"""Whether a process serves: each probe returns what is missing, or None."""

import asyncio
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from workers.folder.places import Places
from workers.folder.readiness import is_marked
from workers.folder.room import disk_is_full
from workers.stack.ports import PORTS
from workflows.names import SEARCH_ATTRIBUTES

if TYPE_CHECKING:
    from temporalio.service import ServiceClient

TIMEOUT = 10.0
"""Seconds for one question; a machine under load answers late."""


async def marked(files: Mapping[str, Path], pid: int) -> str | None:
    """Ask whether each role of the worker with this pid has marked itself as ready."""
    silent = [role for role, path in files.items() if not is_marked(path, pid)]
    return f"{', '.join(silent)} has not said that it serves" if silent else None


async def own_temporal(address: str, namespace: str, _pid: int) -> str | None:
    """Ask our own server for everything that its command names: it comes up in steps."""
    return await temporal(address, namespace)


async def own_nats(url: str, _pid: int) -> str | None:
    """Ask our own server."""
    return await nats(url)


async def nats_store(monitor: str, places: Places) -> str | None:
    """Ask whether our own server can write: a full disk ends no connection."""
    return disk_is_full(places) or await asyncio.to_thread(_unwritable, f"{monitor}/healthz")


def _unwritable(url: str) -> str | None:
    """Return the server's own words where a store of it refuses to write."""
    try:
        with urlopen(url, timeout=TIMEOUT):  # noqa: S310 - our own address
            return None
    except HTTPError as error:
        with error:
            said = error.read(10_000).decode(errors="replace")
        return said if "write error" in said else None
    except (OSError, HTTPException):  # it is down, or busy: others find that out
        return None


async def temporal(address: str, namespace: str) -> str | None:
    """Ask for the namespace and the search attributes."""
    from temporalio.service import RPCError

    try:
        async with asyncio.timeout(TIMEOUT):
            if trouble := await refuses(address, PORTS["temporal"].usual):
                return trouble
            return await _ask_temporal(await _connect(address), namespace)
    except TimeoutError:
        return f"no answer within {TIMEOUT:.0f} s"
    except RPCError as error:
        return f"{error.status.name}: {error.message}"
    except RuntimeError as error:  # what the SDK raises when it cannot connect
        return str(error)


async def nats(url: str) -> str | None:
    """Connect and ask for JetStream."""
    import nats as client
    from nats.errors import Error

    try:
        async with asyncio.timeout(2 * TIMEOUT):
            parts = urlsplit(url.split(",", maxsplit=1)[0])
            if trouble := await refuses(parts.netloc.rpartition("@")[2], PORTS["nats"].usual):
                return trouble
            connection = await client.connect(
                url, allow_reconnect=False, connect_timeout=int(TIMEOUT), error_cb=_ignore
            )
            try:
                await connection.jetstream().account_info()
            finally:
                await connection.close()
    except TimeoutError:
        return "no answer"
    except (OSError, Error) as error:
        return str(error) or type(error).__name__
    return None


async def refuses(address: str, usual_port: int) -> str | None:
    """Try a plain connection first: the clients have retries of their own."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        host, port = address, str(usual_port)
    try:
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    return None


async def _connect(address: str) -> "ServiceClient":
    from temporalio.service import ConnectConfig, ServiceClient

    return await ServiceClient.connect(ConnectConfig(target_host=address))


async def _ask_temporal(client: "ServiceClient", namespace: str) -> str | None:
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=namespace)
    )
    lacking = sorted(set(SEARCH_ATTRIBUTES) - set(known.custom_attributes))
    return f"search attributes are missing: {', '.join(lacking)}" if lacking else None


async def _ignore(_error: Exception) -> None:
    """Keep errors out of the log: they are the answer of the probe."""
