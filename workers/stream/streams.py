"""The connection to NATS, and the streams and consumers that must stand on the server.

The settings were measured with nats-server 2.14.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import nats
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from models.stream.names import ADVISORIES, EVENTS, SUBJECTS, Durable

MAX_EVENT_BYTES = 65_536
MAX_STREAM_BYTES = 4 * 1024**3
MAX_DEAD_BYTES = 64 * 1024**2
DUPLICATE_WINDOW_SECONDS = 600.0
DEFAULT_DUPLICATE_WINDOW_SECONDS = 120.0
DEAD_DAYS_SECONDS = 30 * 86_400.0
MAX_ACK_PENDING = 256

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Delivering:
    """How a durable consumer is served.

    Attributes:
        ack_wait: Seconds until an unanswered message comes again.
        max_deliver: How often a message comes at most; -1: until it is acknowledged.
    """

    ack_wait: float
    max_deliver: int


CONSUMERS: dict[str, Delivering] = {
    Durable.AUDIT: Delivering(ack_wait=30.0, max_deliver=-1),
    Durable.NOTIFY: Delivering(ack_wait=30.0, max_deliver=8),
    Durable.WEBHOOK: Delivering(ack_wait=60.0, max_deliver=8),
}


async def connect(url: str, name: str, on_closed: Callable[[], None] | None = None) -> Client:
    """Connect, and stay connected: a server that is away is waited for, for ever.

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

    async def disconnected() -> None:
        log.warning("nats_away", connection=name)

    async def reconnected() -> None:
        log.info("nats_back", connection=name)

    async def failed(error: Exception) -> None:
        log.debug("nats_error", connection=name, error=repr(error))

    return await nats.connect(
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


async def ensure_streams(
    js: JetStreamContext, *, max_bytes: int | None = None, replicas: int | None = None
) -> None:
    """Make both streams, or bring them to our settings; do nothing where they have them.

    Args:
        js: The connection's JetStream.
        max_bytes: The most that the events may take; a full stream loses nothing, it
            refuses. None: as it stands, 4 GiB for a new one.
        replicas: 1, or 3 on a cluster. None: as it stands, 1 for a new one.
    """
    await _ensure_stream(js, _events(), max_bytes=max_bytes, num_replicas=replicas)
    await _ensure_stream(js, _dead(), num_replicas=replicas)


async def ensure_consumer(js: JetStreamContext, durable: str) -> None:
    """Make a durable consumer, or bring it to our settings."""
    delivering = CONSUMERS[durable]
    await js.add_consumer(
        EVENTS,
        ConsumerConfig(
            name=durable,
            durable_name=durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=delivering.ack_wait,
            max_deliver=delivering.max_deliver,
            max_ack_pending=MAX_ACK_PENDING,
        ),
    )


def _events() -> StreamConfig:
    """One message a subject for ever: what is announced stays as it was."""
    return StreamConfig(
        name=EVENTS,
        subjects=[SUBJECTS],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
        max_msgs_per_subject=1,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        max_age=0,
        max_bytes=MAX_STREAM_BYTES,
        max_msg_size=MAX_EVENT_BYTES,
        deny_delete=True,
        deny_purge=True,
        num_replicas=1,
    )


def _dead() -> StreamConfig:
    """What the server says of messages that a consumer gave up or crashed on."""
    return StreamConfig(
        name=ADVISORIES,
        subjects=[
            f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{EVENTS}.*",
            f"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.{EVENTS}.*",
        ],
        storage=StorageType.FILE,
        duplicate_window=DEFAULT_DUPLICATE_WINDOW_SECONDS,
        max_age=DEAD_DAYS_SECONDS,
        max_bytes=MAX_DEAD_BYTES,
        num_replicas=1,
    )


async def _ensure_stream(js: JetStreamContext, wanted: StreamConfig, **sizes: int | None) -> None:
    """Sizes that nobody gave are the operator's own affair once the stream stands."""
    given = {name: size for name, size in sizes.items() if size is not None}
    try:
        stands = (await js.stream_info(str(wanted.name))).config
    except NotFoundError:
        await js.add_stream(wanted.evolve(**given))
        log.info("stream_made", stream=wanted.name)
        return
    kept = {name: getattr(stands, name) for name in ("max_bytes", "num_replicas")}
    wanted = wanted.evolve(**{**kept, **given})
    different = [
        name
        for name, value in vars(wanted).items()
        if value is not None and getattr(stands, name) != value
    ]
    if different:
        await js.update_stream(wanted)
        log.warning("stream_changed", stream=wanted.name, settings=different)
