"""The one way in which our processes connect to Temporal."""

from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter
from temporalio.service import GrpcCompression

from workflows import names

_PYDANTIC = PydanticPayloadConverter()


class SharedPayloadConverter(CompositePayloadConverter):
    """The SDK's pydantic converter, made once.

    The SDK makes a new payload converter for each workflow and each of its tasks; the
    pydantic one then builds its adapters anew every time.
    """

    def __init__(self) -> None:
        """Take the parts of the one that all share; they hold no state but a cache."""
        super().__init__(*_PYDANTIC.converters.values())


CONVERTER = DataConverter(payload_converter_class=SharedPayloadConverter)


async def connect(address: str, *, namespace: str = names.NAMESPACE, lazy: bool = False) -> Client:
    """Return a client of the server at `host:port`.

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
