"""The one way in which our processes connect to Temporal."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from workflows import names


async def connect(address: str, *, namespace: str = names.NAMESPACE, lazy: bool = False) -> Client:
    """Return a client of the server at `host:port`.

    Args:
        address: `host:port`.
        namespace: The namespace of all cases.
        lazy: Connect at the first call, so that reading the record needs no server.
    """
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, lazy=lazy
    )
