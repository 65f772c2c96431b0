"""The stream is made to fit the server's room; the server's own words reach the reader."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nats.js.errors import APIError, ServerError

from cli.frame.errors import explain
from models.stream.names import ADVISORIES, EVENTS
from tests.servers import Nats
from workers.stream.connection import connect
from workers.stream.jetstream import NoRoomForStream, ensure_streams
from workers.stream.sizes import largest_stream

MIB = 1 << 20


@pytest.fixture
def nats_with_room(tmp_path: Path) -> Iterator[Callable[[int], Nats]]:
    started: list[Nats] = []

    def start(most: int) -> Nats:
        started.append(Nats(tmp_path, most))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()
        server.release_ports()


async def sizes(server: Nats) -> dict[str, int | None]:
    connection = await connect(server.login, "sizes")
    try:
        js = connection.jetstream()
        await ensure_streams(js)
        await ensure_streams(js)  # a second time changes nothing
        return {
            name: (await js.stream_info(name)).config.max_bytes for name in (EVENTS, ADVISORIES)
        }
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("room", "most"), [(300, 128), (1500, 1024), (2252, 2048), (8000, 4096), (130, 64)]
)
async def test_a_new_stream_is_as_large_as_the_server_has_room_for(
    nats_with_room: Callable[[int], Nats], room: int, most: int
) -> None:
    """2252 MiB: three quarters of a disk with 3 GB free, which is what a server takes by itself."""
    found = await sizes(nats_with_room(room * MIB))
    assert found == {EVENTS: most * MIB, ADVISORIES: 64 * MIB}
    assert largest_stream((room - 64) * MIB) == most * MIB


async def test_without_room_the_server_itself_says_so(
    nats_with_room: Callable[[int], Nats],
) -> None:
    with pytest.raises(NoRoomForStream) as refused:
        await sizes(nats_with_room(100 * MIB))
    problem = explain(refused.value)
    assert (problem.code, problem.exit) == ("no_room_for_stream", 69)
    assert "insufficient storage resources available（10047）" in problem.message
    assert "64 MB" in problem.message


def test_any_refusal_of_the_server_reaches_the_reader_in_its_own_words() -> None:
    error = ServerError(code=500, description="JetStream is resting", err_code=10039)
    assert isinstance(error, APIError)
    message = explain(error).message
    assert "JetStream is resting" in message
    assert "10039" in message
