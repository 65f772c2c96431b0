"""How our processes connect to Temporal."""

from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter
from temporalio.service import GrpcCompression

from workflows import names

_PYDANTIC = PydanticPayloadConverter()


class SharedPayloadConverter(CompositePayloadConverter):
    """The SDK's pydantic converter, built once.

    The SDK makes a new payload converter for each workflow and each of its tasks, and the
    pydantic one would build its adapters again every time. The parts that all share hold no
    state but a cache.
    """

    def __init__(self) -> None:
        super().__init__(*_PYDANTIC.converters.values())


CONVERTER = DataConverter(payload_converter_class=SharedPayloadConverter)


async def connect(address: str, *, namespace: str = names.NAMESPACE, lazy: bool = False) -> Client:
    """Return a client of the server at an address.

    Args:
        address: `host:port`.
        namespace: The namespace of all cases.
        lazy: Connect at the first call, so that reading the record needs no server.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=CONVERTER,
        lazy=lazy,
        grpc_compression=GrpcCompression.NONE,  # the server is near, and gzip costs both sides
    )
