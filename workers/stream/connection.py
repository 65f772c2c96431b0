"""The connection to NATS, which outlives every outage of the server."""

from collections.abc import Callable

import nats
import structlog
from nats.aio.client import Client

from workers.servers.nats_users import NatsLogin

log = structlog.get_logger(__name__)


def said(error: Exception) -> str:
    """Return an error in the server's own words, which the name of its class leaves out."""
    return str(error) or repr(error)


async def connect(at: NatsLogin, name: str, on_closed: Callable[[], None] | None = None) -> Client:
    """Connect, and stay connected: an unavailable server is waited for, for ever.

    Args:
        at: The server, and as whom.
        name: What the server's monitoring shows for this connection.
        on_closed: Called when the connection ends for good, wanted or not; a worker ends its
            process then, so that its supervisor starts it anew.
    """
    seen = _Connection(name, on_closed)
    seen.client = await nats.connect(
        at.url,
        name=name,
        **at.options(),
        # The default gives up after two minutes.
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        ping_interval=10,
        max_outstanding_pings=3,
        closed_cb=seen.closed,
        disconnected_cb=seen.disconnected,
        reconnected_cb=seen.reconnected,
        error_cb=seen.failed,
    )
    return seen.client


class _Connection:
    """Logs what becomes of a connection."""

    def __init__(self, name: str, on_closed: Callable[[], None] | None) -> None:
        self._log, self._on_closed = log.bind(connection=name), on_closed
        self.client: Client | None = None

    async def closed(self) -> None:
        self._log.info("nats_closed")
        if self._on_closed is not None:
            self._on_closed()

    async def disconnected(self) -> None:
        if self.client is None or not self.client.is_closed:  # otherwise we closed it ourselves
            self._log.warning("nats_away")

    async def reconnected(self) -> None:
        self._log.info("nats_back")

    async def failed(self, error: Exception) -> None:
        self._log.debug("nats_error", error=repr(error))
