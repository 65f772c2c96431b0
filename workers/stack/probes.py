"""Whether a process serves: each probe returns what is missing, or None."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workers.folder.places import Places
from workers.folder.readiness import is_marked
from workers.folder.room import disk_is_full
from workers.servers.nats_users import HEALTH, NatsLogin, NatsUser, login
from workers.stack.ports import PORTS
from workflows.names import SEARCH_ATTRIBUTES

if TYPE_CHECKING:
    from nats.aio.client import Client
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


async def own_nats(url: str, places: Places, _pid: int) -> str | None:
    """Ask our own server."""
    return await nats(login(url, NatsUser.PROBE, places.nats_users))


async def nats_store(url: str, places: Places) -> str | None:
    """Ask whether our own server can write: a full disk ends no connection.

    Of somebody else's server nothing is known.
    """
    as_system = login(url, NatsUser.SYSTEM, places.nats_users)
    if as_system.user is None:
        return None
    return disk_is_full(places) or await _unwritable(as_system)


async def _unwritable(as_system: NatsLogin) -> str | None:
    """Return the server's own words where a store of it refuses to write."""
    from nats.errors import Error

    try:
        async with asyncio.timeout(2 * TIMEOUT), _connected(as_system) as connection:
            answer = await connection.request(HEALTH, b"{}", timeout=TIMEOUT)
    except (OSError, TimeoutError, Error):  # it is down, or busy: others find that out
        return None
    said = answer.data[:10_000].decode(errors="replace")
    return said if "write error" in said else None


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


async def nats(at: NatsLogin) -> str | None:
    """Connect and ask for JetStream."""
    from nats.errors import Error

    try:
        async with asyncio.timeout(2 * TIMEOUT):
            parts = urlsplit(at.url.split(",", maxsplit=1)[0])
            if trouble := await refuses(parts.netloc.rpartition("@")[2], PORTS["nats"].usual):
                return trouble
            async with _connected(at) as connection:
                await connection.jetstream().account_info()
    except TimeoutError:
        return "no answer"
    except (OSError, Error) as error:
        return str(error) or type(error).__name__
    return None


@asynccontextmanager
async def _connected(at: NatsLogin) -> AsyncIterator["Client"]:
    """Connect once, with no second try."""
    from nats.aio.client import Client

    connection = Client()
    try:
        await connection.connect(
            at.url,
            allow_reconnect=False,
            connect_timeout=int(TIMEOUT),
            error_cb=_ignore,
            **at.options(),
        )
        yield connection
    finally:
        await connection.close()


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
