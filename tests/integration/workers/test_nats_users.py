"""Our own NATS server lets in who has a password, and each does what its role needs, no more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from functools import partial
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.cases.states import State
from models.stream.names import ADVISORIES, EVENTS, Durable
from services.stream.advisories import record_advisories
from services.stream.dead_letters import list_dead_letters
from services.stream.losses import count_messages, lost_events
from tests.factories import make_case
from tests.integration.stream.notebooks import Notebook, consuming, ids
from tests.servers import running_nats
from tests.slack import stretch
from tests.streams import outbox
from tests.waiting import until
from workers.folder.places import Places
from workers.servers.nats_users import NatsLogin, NatsUser, login
from workers.stack import probes
from workers.stack.external import nats_lacks
from workers.stream.connection import connect
from workers.stream.handing_over import InOrder
from workers.stream.jetstream import ensure_consumer, ensure_streams
from workers.stream.relay import Relay


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[str, Places]]:
    """A server as `up` starts it: its address, and the folder that holds the passwords."""
    places = Places(tmp_path / "state")
    places.prepare()
    with running_nats(places.nats_store, places.nats_users) as server:
        yield server.url, places


@contextlib.asynccontextmanager
async def connected(own: tuple[str, Places], user: NatsUser) -> AsyncIterator[JetStreamContext]:
    url, places = own
    connection = await connect(login(url, user, places.nats_users), user)
    yield connection.jetstream(timeout=stretch(1))
    await connection.close()


async def refused(*asked: Awaitable[object]) -> None:
    """The server answers nothing to what one may not ask."""
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, TimeoutError), answer


async def test_nobody_comes_in_without_a_password(own: tuple[str, Places]) -> None:
    url, places = own
    assert await nats_lacks(login(url, NatsUser.PROBE, places.nats_users)) == []
    assert await probes.nats_store(url, places) is None
    for stranger in (NatsLogin(url), NatsLogin(url, NatsUser.RELAY, "guessed")):
        [lack] = await nats_lacks(stranger)
        assert "Authorization Violation" in lack.why


async def test_each_role_does_its_work_and_strangers_are_refused(
    own: tuple[str, Places], sqlite_engine: Engine, season: str
) -> None:
    make_case(sqlite_engine, season=season, state=State.FORMAL_CHECK)
    rows = outbox(sqlite_engine)
    async with connected(own, NatsUser.RELAY) as js:
        await ensure_streams(js)
        assert await Relay(sqlite_engine, js).drain() == len(rows)
    for durable in Durable:
        notebook = Notebook(sqlite_engine, durable)
        async with connected(own, NatsUser(durable)) as js:
            async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
                await until(partial(_has, notebook, len(rows)))
            assert set(notebook.events()) == set(ids(rows))
            other = next(each for each in Durable if each is not durable)
            await refused(
                js.publish(rows[0].subject, b"{}", stretch(1)), ensure_consumer(js, other),
                js.consumer_info(EVENTS, other), js.get_msg(EVENTS, 1),
            )  # fmt: skip
    async with connected(own, NatsUser.OPERATOR) as js:
        await ensure_streams(js)
        assert await count_messages(js) == len(rows)
        assert await lost_events(sqlite_engine, js) == {}
        assert await record_advisories(sqlite_engine, js) == 0
        assert list_dead_letters(sqlite_engine) == []
        await refused(
            js.publish(rows[0].subject, b"{}", stretch(1)), js.delete_stream(EVENTS),
            js.purge_stream(ADVISORIES),
        )  # fmt: skip


def _has(notebook: Notebook, count: int) -> bool:
    return len(notebook.lines()) >= count
