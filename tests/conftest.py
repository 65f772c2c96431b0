"""Databases and servers that tests share. All are real; each test has its own state."""

import gc
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from sqlalchemy import Engine, text

from models.store.engine import SHORT_LOCK_WAIT, open_engine, transaction
from models.store.upgrade import upgrade_audit, upgrade_record
from services.webhooks.secret_box import SecretBox
from tests import memory
from tests.factories import SEASON, open_season
from tests.failures import Failures
from tests.leaks import blamed
from tests.servers import Nats, Postgres, running_nats
from tests.slack import slack
from workers.settings.urls import audit_url
from workers.stream.connection import connect
from workers.stream.jetstream import ensure_streams


def pytest_configure(config: pytest.Config) -> None:
    """Keep files in memory, name failures at once, and give children the usual Ctrl-C.

    A shell that runs us in the background ignores it.
    """
    os.environ["LC_ALL"] = "C.UTF-8"  # commands speak Chinese, whatever our caller reads
    os.environ.setdefault(memory.VARIABLE, str(memory.root()))
    config.pluginmanager.register(Failures(config))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stretch what pytest-timeout grants the test by how slow the machine is."""
    marker = item.get_closest_marker("timeout")
    seconds = float(marker.args[0] if marker else item.config.getini("timeout"))
    item.add_marker(pytest.mark.timeout(slack(seconds)), append=False)
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Take one process more than there are cores: tests wait at least as much as they compute."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of an xdist group together, and begin with the slow ones.

    Else one process would be left alone with a slow one at the end.

    xdist 3.8.0 notes the group in an attribute that pytest 9.2 no longer reads, and spreads
    the tests as if there were none.
    """
    if not getattr(config.option, "loadgroup", False):
        return  # not in a worker of xdist
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = type(item.id).parse(f"{item.nodeid}@{group.args[0]}")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the tests themselves out of every later search for garbage: it looks at all there is."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_leaks() -> Iterator[None]:
    with blamed():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Folders with both databases as new: without a season, and with one open.

    Copying is quicker than migrating and opening for each test.
    """
    folders = {season: tmp_path_factory.mktemp("template") for season in (False, True)}
    for season, folder in folders.items():
        _prepare(*_sqlite_urls(folder), season=season)
    return folders


@pytest.fixture(scope="session")
def postgres_templates(postgres: Postgres) -> dict[bool, str]:
    """The names of databases as new: without a season, and with one open."""
    names = {season: postgres.create() for season in (False, True)}
    for season, name in names.items():
        _prepare(*_postgres_urls(postgres, name), season=season)
    return names


@pytest.fixture
def sqlite_urls(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_templates: dict[bool, Path]
) -> tuple[str, str]:
    """The addresses of the record and of the audit's store, both new."""
    for path in sqlite_templates["season" in request.fixturenames].iterdir():
        shutil.copy(path, tmp_path / path.name)
    return _sqlite_urls(tmp_path)


@pytest.fixture
def postgres_urls(
    request: pytest.FixtureRequest, postgres: Postgres, postgres_templates: dict[bool, str]
) -> Iterator[tuple[str, str]]:
    """The addresses of the record and of the audit's store: two schemas of a new database."""
    database = postgres.create(postgres_templates["season" in request.fixturenames])
    yield _postgres_urls(postgres, database)
    postgres.drop(database)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_urls(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The addresses of the record and of the audit's store, on each database in turn."""
    urls: tuple[str, str] = request.getfixturevalue(f"{request.param}_urls")
    return urls


@pytest.fixture
def season() -> str:
    """The id of the season of 2024; a test that asks for it finds it open."""
    return SEASON


@pytest.fixture
def engine(database_urls: tuple[str, str], tmp_path: Path) -> Iterator[Engine]:
    """The record."""
    engine = open_engine(database_urls[0], secrets=SecretBox(tmp_path / "secrets-key"))
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_urls: tuple[str, str], tmp_path: Path) -> Iterator[Engine]:
    """The record on SQLite, for what does not depend on the database."""
    secrets = SecretBox(tmp_path / "secrets-key")
    engine = open_engine(sqlite_urls[0], lock_wait=SHORT_LOCK_WAIT, secrets=secrets)
    yield engine
    engine.dispose()


@pytest.fixture
def database_away(
    request: pytest.FixtureRequest, engine: Engine
) -> Callable[[], AbstractContextManager[None]]:
    """Take the record away for the length of a block: no statement on the outbox works."""

    @contextmanager
    def away() -> Iterator[None]:
        if engine.dialect.name == "sqlite":
            _execute(engine, "ALTER TABLE outbox RENAME TO gone")
            yield
            _execute(engine, "ALTER TABLE gone RENAME TO outbox")
            return
        server: Postgres = request.getfixturevalue("postgres")
        server.close(str(engine.url.database))
        yield
        server.reopen(str(engine.url.database))

    return away


@pytest.fixture
def audit_engine(database_urls: tuple[str, str]) -> Iterator[Engine]:
    """The audit's own store."""
    engine = open_engine(database_urls[1])
    yield engine
    engine.dispose()


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[Nats]:
    """A server of the test's own: it may kill it."""
    with running_nats(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def nats(nats_server: Nats) -> AsyncIterator[Client]:
    client = await connect(nats_server.login, "test")
    yield client
    await client.close()


@pytest.fixture
async def js(nats: Client) -> JetStreamContext:
    """JetStream with our streams."""
    context = nats.jetstream(timeout=slack(2))
    await ensure_streams(context)
    return context


def _sqlite_urls(folder: Path) -> tuple[str, str]:
    return f"sqlite:///{folder / 'tuixuan.db'}", f"sqlite:///{folder / 'audit.db'}"


def _postgres_urls(server: Postgres, database: str) -> tuple[str, str]:
    return server.url(database), audit_url(server.url(database))


def _prepare(record: str, audit: str, *, season: bool) -> None:
    engine, audit_engine = open_engine(record), open_engine(audit)
    upgrade_record(engine)
    upgrade_audit(audit_engine)
    if season:
        open_season(engine)
    engine.dispose()
    audit_engine.dispose()


def _execute(engine: Engine, statement: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text(statement))
