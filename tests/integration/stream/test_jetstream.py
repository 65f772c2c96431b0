"""Streams and durable consumers have the settings that we measured."""

import pytest
from nats.js import JetStreamContext
from nats.js.errors import APIError
from structlog.testing import capture_logs

from models.stream.names import EVENTS
from workers.stream.jetstream import CONSUMERS, ensure_consumer, ensure_streams


async def test_consumers_stand_as_the_table_says(js: JetStreamContext) -> None:
    for name, wanted in CONSUMERS.items():
        await ensure_consumer(js, name)
        await ensure_consumer(js, name)
        config = (await js.consumer_info(EVENTS, name)).config
        assert (config.ack_wait, config.max_deliver) == (wanted.ack_wait, wanted.max_deliver)
        assert config.max_ack_pending == 256


async def test_streams_are_made_once_and_kept_as_they_should_be(js: JetStreamContext) -> None:
    made = await js.stream_info(EVENTS)
    await js.update_stream(made.config, max_bytes=1_000_000, max_msg_size=10)
    await ensure_streams(js)
    after = await js.stream_info(EVENTS)
    assert (after.created, after.config.max_msg_size) == (made.created, 65_536)
    assert after.config.max_bytes == 1_000_000  # a size is the operator's own affair
    with pytest.raises(APIError):
        await js.purge_stream(EVENTS)
    with capture_logs() as logs:
        await ensure_streams(js)
    assert logs == []
