"""The record's engine, on SQLite or PostgreSQL, and the one kind of transaction.

SQL is synchronous everywhere: one call into a thread is cheaper than a hop for each
statement, and a transaction that cannot be interrupted by an await is easier to trust.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from sqlite3 import SQLITE_BUSY
from sqlite3 import Connection as SQLiteConnection
from sqlite3 import OperationalError as SQLiteError
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry

POOL_SIZE = 16
LOCK_WAIT = 60.0
"""Seconds to wait for another's write lock on SQLite, where nobody tries again by itself."""
SHORT_LOCK_WAIT = 5.0
"""The same for workers, which try again for ever and have messages and leases to keep meanwhile."""

SECRETS = "tuixuan_secrets"
"""The execution option under which an engine holds what opens its secrets."""

_SWITCH_WAIT = 0.05


def open_engine(
    url: str,
    *,
    pool_size: int = POOL_SIZE,
    lock_wait: float = LOCK_WAIT,
    secrets: object | None = None,
) -> Engine:
    """Return an engine for `sqlite:///FILE` or `postgresql://…`.

    Commits are durable when they return: SQLite runs with WAL and full sync, and
    PostgreSQL with `synchronous_commit` on.

    Args:
        url: The database.
        pool_size: Connections at most.
        lock_wait: Seconds to wait for a lock of SQLite; PostgreSQL waits as long as it takes.
        secrets: What opens and seals the record's secrets (`services.webhooks.secret_box`);
            None: none is written or read.
    """
    engine = _open(url, pool_size, lock_wait)
    if secrets is not None:
        engine.update_execution_options(**{SECRETS: secrets})
    return engine


def _open(url: str, pool_size: int, lock_wait: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # errors reach logs, and logs hold no personal data
            connect_args={"timeout": lock_wait, "check_same_thread": False},
        )
        event.listen(engine, "do_connect", _make_private_file)
        event.listen(engine, "connect", partial(_prepare_sqlite, lock_wait))
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed, pool_size=pool_size, max_overflow=0, pool_pre_ping=True, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


@contextmanager
def opened_engine(
    url: str,
    *,
    pool_size: int = POOL_SIZE,
    lock_wait: float = LOCK_WAIT,
    secrets: object | None = None,
) -> Iterator[Engine]:
    """Open an engine for the length of a block, and close its connections afterwards."""
    engine = open_engine(url, pool_size=pool_size, lock_wait=lock_wait, secrets=secrets)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run a block in one transaction; commit at its end, roll back on an error.

    On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`), so that a reader
    who goes on to write cannot be turned away in the middle.
    """
    with (
        engine.connect().execution_options(tuixuan_writes=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Run a block of reads over one consistent state of the record."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # SQLite keeps one snapshot by itself
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def _make_private_file(
    _dialect: Dialect, _record: ConnectionPoolEntry, where: list[Any], _given: dict[str, Any]
) -> None:
    """Make a new database file readable by its owner alone, wherever it lies.

    SQLite gives the files that it puts beside it the same rights.
    """
    if where and where[0] not in ("", ":memory:"):
        with contextlib.suppress(OSError):  # it is there, or SQLite says better what is wrong
            os.close(os.open(where[0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare_sqlite(lock_wait: float, connection: SQLiteConnection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
    connection.isolation_level = None  # transactions begin where SQLAlchemy says so
    _switch_to_wal(connection, lock_wait)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: SQLiteConnection, lock_wait: float) -> None:
    """Switch to WAL, the one statement that does not wait for a lock by itself."""
    until = time.monotonic() + lock_wait
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except SQLiteError as error:
            if error.sqlite_errorcode & 0xFF != SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_SWITCH_WAIT)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("tuixuan_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()
