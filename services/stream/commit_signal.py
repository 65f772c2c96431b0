"""Tells when somebody committed to the record: whoever waits for new events need not ask SQL.

On PostgreSQL the outbox notifies (`LISTEN`); on SQLite the file's version is looked at, which
takes microseconds and no transaction. A signal may be missed while a database is away, so that
whoever waits looks for himself now and then.
"""

import sqlite3
import time
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

OUTBOX_CHANNEL = "tuixuan_outbox"
"""The channel on which a trigger of PostgreSQL notifies."""
LOOK_SECONDS = 0.05
"""How often SQLite's file is looked at."""


class CommitSignal(Protocol):
    """Waits for a commit."""

    def wait(self, seconds: float) -> None:
        """Return after a commit since the last call, or after so many seconds. Blocks."""

    def close(self) -> None:
        """Give its connection back."""


def commit_signal(engine: Engine) -> CommitSignal:
    """Return the signal of a record; it connects when it is waited for first."""
    return _FileVersion(engine) if engine.dialect.name == "sqlite" else _Listener(engine)


class _FileVersion:
    """SQLite: `PRAGMA data_version` changes when another connection commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._seen: int | None = None

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (version := self._version()) == self._seen and time.monotonic() < until:
            time.sleep(min(LOOK_SECONDS, seconds))
        self._seen = version

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _version(self) -> int | None:
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            cursor = self._connection.driver_connection.execute("PRAGMA data_version")
            found: int = cursor.fetchone()[0]
        except (sqlite3.Error, SQLAlchemyError):  # who waits finds out what is wrong
            return self._seen
        return found


class _Listener:
    """PostgreSQL: `LISTEN` on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._connection: Any = None

    def wait(self, seconds: float) -> None:
        try:
            if self._connection is None:
                self._listen()
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                return
        except (self._error, SQLAlchemyError):  # who waits finds out what is wrong
            self.close()
            time.sleep(seconds)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self) -> None:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()  # it listens for good, and goes to nobody else
        connection.set_autocommit(True)
        connection.execute(f"LISTEN {OUTBOX_CHANNEL}")
        self._connection = connection
