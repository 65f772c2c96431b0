"""What we need of a Temporal server of somebody's own: a namespace, and our search attributes."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workflows.names import SEARCH_ATTRIBUTES

if TYPE_CHECKING:
    from temporalio.service import ServiceClient

RETENTION_DAYS = 30
"""How long a new namespace keeps workflows that have ended; the record keeps everything."""
VISIBLE_WITHIN = 60.0
"""Seconds until a server shows what was made: it reads its namespaces anew every ten or so."""
LOOK_EVERY = 0.5
FORBIDDEN = ("PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED")
"""Answers of a server whose namespaces somebody else administers."""


class NotAllowed(Exception):
    """The server lets us make nothing; its administrator can."""


@dataclass(frozen=True)
class TemporalNeeds:
    """What a namespace lacks.

    Attributes:
        namespace: Whether the namespace itself is missing.
        absent: The search attributes that are missing.
        wrong: The types of those that have another type than ours.
    """

    namespace: bool = False
    absent: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return self.namespace or bool(self.absent or self.wrong)


async def ask_needs(address: str, namespace: str) -> TemporalNeeds:
    """Ask a server that answers.

    Raises:
        RPCError: It refuses to say.
        RuntimeError: It does not answer.
    """
    return await _needs(await _connected(address), namespace)


async def make_needs(address: str, namespace: str) -> TemporalNeeds:
    """Make what a server lacks, and wait until it shows it; return what was made.

    What has the wrong type stays: somebody else may use it.

    Raises:
        NotAllowed: The server lets us make nothing.
        RPCError: It refuses for another reason.
        RuntimeError: It does not answer.
    """
    from temporalio.service import RPCError

    client = await _connected(address)
    found = await _needs(client, namespace)
    try:
        if found.namespace:
            await _make_namespace(client, namespace)
        if found.absent:
            await _make_attributes(client, namespace, found.absent)
    except RPCError as error:
        if error.status.name in FORBIDDEN:
            raise NotAllowed(error.message) from error
        raise
    await _until_shown(client, namespace)
    return found


def operator_commands(address: str, namespace: str, needs: TemporalNeeds) -> list[str]:
    """Return the commands by which an administrator makes the same."""
    target = f"--address {address} --namespace {namespace}"
    commands = []
    if needs.namespace:
        hours = RETENTION_DAYS * 24
        commands.append(f"temporal operator namespace create {target} --retention {hours}h")
    if needs.absent:
        pairs = " ".join(f"--name {each} --type {SEARCH_ATTRIBUTES[each]}" for each in needs.absent)
        commands.append(f"temporal operator search-attribute create {target} {pairs}")
    return commands


async def _connected(address: str) -> "ServiceClient":
    from temporalio.service import ConnectConfig, ServiceClient

    return await ServiceClient.connect(ConnectConfig(target_host=address))


async def _needs(client: "ServiceClient", namespace: str) -> TemporalNeeds:
    from temporalio.api.enums.v1 import IndexedValueType
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError, RPCStatusCode

    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return TemporalNeeds(namespace=True, absent=tuple(SEARCH_ATTRIBUTES))
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=namespace)
    )
    types = {
        name: IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").lower()
        for name, kind in known.custom_attributes.items()
    }
    absent = tuple(name for name in SEARCH_ATTRIBUTES if name not in types)
    wrong = {
        name: types[name]
        for name, kind in SEARCH_ATTRIBUTES.items()
        if name in types and types[name] != kind.lower()
    }
    return TemporalNeeds(absent=absent, wrong=wrong)


async def _make_namespace(client: "ServiceClient", namespace: str) -> None:
    from google.protobuf.duration_pb2 import Duration
    from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
    from temporalio.service import RPCError, RPCStatusCode

    request = RegisterNamespaceRequest(
        namespace=namespace,
        description="Tuixuan 推选",
        workflow_execution_retention_period=Duration(seconds=RETENTION_DAYS * 86_400),
    )
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # somebody else made it meanwhile
            raise


async def _make_attributes(client: "ServiceClient", namespace: str, names: Iterable[str]) -> None:
    from temporalio.api.enums.v1 import IndexedValueType
    from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest

    wanted: dict[str, Any] = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{SEARCH_ATTRIBUTES[name].upper()}")
        for name in names
    }
    request = AddSearchAttributesRequest(namespace=namespace, search_attributes=wanted)
    await _once_known(client, request)


async def _once_known(client: "ServiceClient", request: Any) -> None:  # noqa: ANN401 - a message
    """Ask until the server knows a namespace that was made a moment ago."""
    from temporalio.service import RPCError, RPCStatusCode

    async with asyncio.timeout(VISIBLE_WITHIN):
        while True:
            try:
                await client.operator_service.add_search_attributes(request)
            except RPCError as error:
                if error.status is RPCStatusCode.ALREADY_EXISTS:
                    return
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            else:
                return
            await asyncio.sleep(LOOK_EVERY)


async def _until_shown(client: "ServiceClient", namespace: str) -> None:
    from temporalio.service import RPCError, RPCStatusCode

    async with asyncio.timeout(VISIBLE_WITHIN):
        while True:
            try:
                needs = await _needs(client, namespace)
            except RPCError as error:  # one of its hosts has not heard of the namespace
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            else:
                if not (needs.namespace or needs.absent):
                    return
            await asyncio.sleep(LOOK_EVERY)
