"""The record, opened for whoever owns an endpoint."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from cli.connections.databases import record
from cli.frame.options import options
from services.webhooks.deliveries import show_delivery
from services.webhooks.endpoints import show_endpoint


@contextmanager
def record_of(endpoint: str | None = None, delivery: str | None = None) -> Iterator[Engine]:
    """Open the record for the owner of an endpoint or a delivery, as `--as` names them.

    Raises:
        Refused: `unknown_endpoint` or `unknown_delivery`: there is none, or it is another's.
    """
    with record() as engine:
        actor = options().actor()
        if actor is not None and delivery is not None:
            show_delivery(engine, delivery, actor)
        if actor is not None and endpoint is not None:
            show_endpoint(engine, endpoint, actor)
        yield engine
