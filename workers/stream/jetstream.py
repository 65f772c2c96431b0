"""The streams and durable consumers that the NATS server must have, and their settings.

The settings were measured with nats-server 2.14.5.
"""

from dataclasses import dataclass

import structlog
from nats.errors import Error as NatsError
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
from nats.js.errors import APIError, NotFoundError

from models.stream.names import ADVISORIES, EVENTS, SUBJECTS, Durable
from workers.stream.sizes import MAX_ADVISORIES_BYTES, STREAM_SIZES

MAX_EVENT_BYTES = 65_536
DUPLICATE_WINDOW_SECONDS = 600.0
DEFAULT_DUPLICATE_WINDOW_SECONDS = 120.0
ADVISORIES_KEPT_SECONDS = 30 * 86_400.0
MAX_ACK_PENDING = 256

INSUFFICIENT_STORAGE = 10047
"""The server's code where a stream may grow larger than the server has room for."""

log = structlog.get_logger(__name__)


class NoRoomForStream(NatsError):
    """The server has no room for even the smallest stream. `said`: its own words."""

    def __init__(self, stream: str, said: str) -> None:
        super().__init__(stream, said)
        self.stream, self.said = stream, said


@dataclass(frozen=True)
class Redelivery:
    """When a durable consumer gets a message again.

    Attributes:
        ack_wait: Seconds until an unanswered message comes again.
        max_deliver: How often a message comes at most; -1: until it is acknowledged.
    """

    ack_wait: float
    max_deliver: int


CONSUMERS: dict[Durable, Redelivery] = {
    Durable.AUDIT: Redelivery(ack_wait=30.0, max_deliver=-1),
    Durable.NOTIFY: Redelivery(ack_wait=30.0, max_deliver=8),
    Durable.WEBHOOK: Redelivery(ack_wait=60.0, max_deliver=8),
}


async def ensure_streams(
    js: JetStreamContext, *, max_bytes: int | None = None, replicas: int | None = None
) -> None:
    """Create both streams, or bring them to our settings.

    Args:
        js: The connection's JetStream.
        max_bytes: The most that the events may take; a full stream loses nothing, it
            refuses. None keeps what the stream has; a new one gets the largest of
            `STREAM_SIZES` for which the server has room.
        replicas: 1, or 3 on a cluster. None keeps what the stream has, 1 for a new one.

    Raises:
        NoRoomForStream: The server has no room.
    """
    await _ensure_stream(js, _advisories(), num_replicas=replicas)
    await _ensure_stream(js, _events(), max_bytes=max_bytes, num_replicas=replicas)


async def ensure_consumer(js: JetStreamContext, durable: Durable) -> None:
    """Create a durable consumer, or bring it to our settings."""
    redelivery = CONSUMERS[durable]
    await js.add_consumer(
        EVENTS,
        ConsumerConfig(
            name=durable,
            durable_name=durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=redelivery.ack_wait,
            max_deliver=redelivery.max_deliver,
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
        max_bytes=STREAM_SIZES[0],
        max_msg_size=MAX_EVENT_BYTES,
        deny_delete=True,
        deny_purge=True,
        num_replicas=1,
    )


def _advisories() -> StreamConfig:
    """What the server reports of messages that a consumer terminated or never acknowledged."""
    return StreamConfig(
        name=ADVISORIES,
        subjects=[
            f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{EVENTS}.*",
            f"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.{EVENTS}.*",
        ],
        storage=StorageType.FILE,
        duplicate_window=DEFAULT_DUPLICATE_WINDOW_SECONDS,
        max_age=ADVISORIES_KEPT_SECONDS,
        max_bytes=MAX_ADVISORIES_BYTES,
        num_replicas=1,
    )


async def _ensure_stream(js: JetStreamContext, wanted: StreamConfig, **sizes: int | None) -> None:
    """Sizes that nobody gave are the operator's own affair once the stream exists."""
    given = {name: size for name, size in sizes.items() if size is not None}
    try:
        found = (await js.stream_info(str(wanted.name))).config
    except NotFoundError:
        await _make_stream(js, wanted.evolve(**given), may_shrink="max_bytes" not in given)
        return
    kept = {name: getattr(found, name) for name in ("max_bytes", "num_replicas")}
    wanted = wanted.evolve(**{**kept, **given})
    different = [
        name
        for name, value in vars(wanted).items()
        if value is not None and getattr(found, name) != value
    ]
    if different:
        await js.update_stream(wanted)
        log.warning("stream_changed", stream=wanted.name, settings=different)


async def _make_stream(js: JetStreamContext, wanted: StreamConfig, *, may_shrink: bool) -> None:
    """Make a stream as large as the server has room for."""
    most, said = int(wanted.max_bytes or 0), ""
    smaller = [size for size in STREAM_SIZES if size < most] if may_shrink else []
    for size in (most, *smaller):
        try:
            await js.add_stream(wanted.evolve(max_bytes=size))
        except APIError as error:
            if error.err_code != INSUFFICIENT_STORAGE:
                raise
            said = str(error.description)
        else:
            log.info("stream_made", stream=wanted.name, max_bytes=size)
            return
    raise NoRoomForStream(str(wanted.name), said)
