"""The connection to NATS, which outlives every outage of the server."""

from collections.abc import Callable

import nats
import structlog
from nats.aio.client import Client

log = structlog.get_logger(__name__)


def said(error: Exception) -> str:
    """Return an error in the server's own words, which the name of its class leaves out."""
    return str(error) or repr(error)


async def connect(url: str, name: str, on_closed: Callable[[], None] | None = None) -> Client:
    """Connect, and stay connected: an unavailable server is waited for, for ever.

    Args:
        url: `nats://host:port`.
        name: What the server's monitoring shows for this connection.
        on_closed: Called when the connection ends for good, wanted or not; a worker ends its
            process then, so that its supervisor starts it anew.
    """

    async def closed() -> None:
        log.info("nats_closed", connection=name)
        if on_closed is not None:
            on_closed()

    client: Client | None = None

    async def disconnected() -> None:
        if client is None or not client.is_closed:  # otherwise we closed it ourselves
            log.warning("nats_away", connection=name)

    async def reconnected() -> None:
        log.info("nats_back", connection=name)

    async def failed(error: Exception) -> None:
        log.debug("nats_error", connection=name, error=repr(error))

    client = await nats.connect(
        url,
        name=name,
        # The default gives up after two minutes.
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        ping_interval=10,
        max_outstanding_pings=3,
        closed_cb=closed,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
        error_cb=failed,
    )
    return client
