"""The clock and new ids, which pure code takes as arguments."""

import time
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import Engine, func, select
from ulid import ULID

from models.store.engine import reading

ASKED_EVERY = 60.0
"""Seconds for which an answer of the database's clock is good."""


def now() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)


class SharedClock:
    """The clock of the record's database, on which all hosts agree; asked once a minute.

    In between it follows the time that passes on this host, whatever its own clock is set to.
    SQLite has no clock: there it is this host's.
    """

    def __init__(self, engine: Engine) -> None:
        """Compose. `engine`: the record."""
        self._engine, self._lock = engine, Lock()
        self._asked, self._answer = float("-inf"), now()

    def __call__(self) -> datetime:
        """Return the current instant in UTC."""
        with self._lock:
            if time.monotonic() - self._asked >= ASKED_EVERY:
                self._answer = self._ask()
                self._asked = time.monotonic()
            return self._answer + timedelta(seconds=time.monotonic() - self._asked)

    def _ask(self) -> datetime:
        if self._engine.dialect.name != "postgresql":
            return now()
        with reading(self._engine) as connection:
            answer: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return answer.astimezone(UTC)


class Interval:
    """Tells once in a while that it is time again, the first time at once."""

    def __init__(self, seconds: float) -> None:
        """Compose. `seconds`: how long a while is."""
        self._seconds, self._next = seconds, float("-inf")

    def passed(self) -> bool:
        """Return whether it is time, which it is not again before so many seconds."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True


def new_id(prefix: str) -> str:
    """Return `prefix_<ulid>`, which sorts by time and fits a subject token."""
    return f"{prefix}_{ULID()}"
