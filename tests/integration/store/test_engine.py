"""The engine keeps what the record relies on, on both databases."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, make_url, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from models.store.engine import open_engine, reading, transaction
from models.tables import Lease, Unit, table_of
from workers.folder.places import Places, sqlite_url
from workers.settings.worker import WorkerSettings
from workers.stack.databases import upgrade_databases

LEASES = table_of(Lease)
AT = datetime(2024, 4, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))


def put(engine: Engine, name: str, holder: str = "somebody") -> None:
    with transaction(engine) as connection:
        connection.execute(insert(LEASES), {"name": name, "holder": holder, "expires_at": AT})


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.scalars(select(LEASES.c.name)))


def test_sqlite_keeps_what_it_promised(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as connection:
        found = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000,
    }  # fmt: skip


@pytest.mark.parametrize(
    "folder",
    ["q?x", "a%41b", "with spaces", "a#b", "a%3Fb&c=d", "推选@库:1", "100%", "?mode=memory", ".."],
)
def test_files_lie_where_the_folder_is_and_are_for_their_owner_alone(
    tmp_path: Path, folder: str
) -> None:
    places = Places(tmp_path / "inner" / "state" / folder)
    previous = os.umask(0o022)
    try:
        upgrade_databases(WorkerSettings.load(state_dir=places.root))
    finally:
        os.umask(previous)
    for name in ("tuixuan.db", "audit.db"):
        file = places.root / name
        assert file.stat().st_size > 0
        assert file.stat().st_mode & 0o777 == 0o600
    above = set(tmp_path.rglob("*.db*"))
    assert above == set(places.root.resolve().glob("*.db*"))


def test_a_database_elsewhere_and_the_files_beside_it_are_private_too(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "elsewhere.db"))
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE something (n INTEGER)"))
        files = list(tmp_path.iterdir())
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    engine.dispose()
    assert len(files) == 3


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1))
def test_the_address_of_a_file_leads_back_to_it(name: str) -> None:
    path = Path("/somewhere", name, "tuixuan.db")
    assert make_url(sqlite_url(path)).database == str(path)


def test_postgresql_keeps_what_it_promised(postgres_urls: tuple[str, str]) -> None:
    engine = open_engine(postgres_urls[0])
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        assert connection.scalar(text("SHOW timezone")) == "UTC"
    engine.dispose()


def break_off(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(insert(LEASES), {"name": "a", "holder": "me", "expires_at": AT})
        raise InterruptedError


def test_a_block_is_one_transaction(engine: Engine) -> None:
    with pytest.raises(InterruptedError):
        break_off(engine)
    assert names(engine) == []


def test_foreign_keys_hold(engine: Engine) -> None:
    row = {"id": "unit_1", "season_id": "1999", "name": "虚构单位", "name_key": "虚构单位"}
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(Unit), {**row, "created_at": AT})


def test_an_instant_comes_back_in_utc_to_the_microsecond(engine: Engine) -> None:
    put(engine, "a")
    with reading(engine) as connection:
        found = connection.scalars(select(LEASES.c.expires_at)).one()
    assert (found, found.tzinfo) == (AT, UTC)


def test_a_block_of_reads_sees_one_moment(engine: Engine) -> None:
    put(engine, "a")
    with reading(engine) as connection:
        assert connection.scalars(select(LEASES.c.name)).all() == ["a"]
        put(engine, "b")
        assert connection.scalars(select(LEASES.c.name)).all() == ["a"]
    assert names(engine) == ["a", "b"]


def write_among_reads(engine: Engine) -> None:
    with reading(engine) as connection:
        connection.execute(select(LEASES.c.name)).all()
        put(engine, "a")
        connection.execute(update(LEASES).values(holder="me"))


def test_who_reads_keeps_nobody_waiting_and_may_not_write(engine: Engine) -> None:
    with pytest.raises(DBAPIError):
        write_among_reads(engine)
    assert names(engine) == ["a"]


def test_a_second_writer_waits_for_the_first(engine: Engine) -> None:
    """It read before it writes: on SQLite a plain BEGIN would turn it away midway."""
    put(engine, "count", "0")
    started = threading.Barrier(4)

    def add() -> None:
        started.wait()
        for _ in range(10):
            with transaction(engine) as connection:
                found = connection.scalars(select(LEASES.c.holder).with_for_update()).one()
                connection.execute(update(LEASES).values(holder=str(int(found) + 1)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.scalars(select(LEASES.c.holder)).one() == "40"


def test_errors_tell_no_values(engine: Engine) -> None:
    """They reach logs, and what is written may be personal."""
    put(engine, "a", "13800000000")
    with pytest.raises(IntegrityError) as caught:
        put(engine, "a", "13800000000")
    assert "13800000000" not in str(caught.value)


def test_connections_that_died_are_replaced(
    engine: Engine, database_away: Callable[[], AbstractContextManager[None]]
) -> None:
    """PostgreSQL ended every connection of the pool; the next caller hears nothing of it."""
    put(engine, "a")
    with database_away():
        pass
    assert names(engine) == ["a"]


def test_a_write_lock_of_another_is_waited_for(sqlite_engine: Engine) -> None:
    """Longer than workers wait, who try again by themselves: 8 seconds."""
    held, let_go = threading.Event(), threading.Event()
    patient = open_engine(str(sqlite_engine.url))

    def hold() -> None:
        with transaction(sqlite_engine):
            held.set()
            let_go.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    later = threading.Timer(8, let_go.set)
    later.start()
    began = time.monotonic()
    try:
        put(patient, "patient")
    finally:
        let_go.set()
        holder.join()
        later.join()
        patient.dispose()
    assert time.monotonic() - began >= 7
    assert names(sqlite_engine) == ["patient"]


def test_a_worker_gives_up_sooner_and_tries_again(sqlite_engine: Engine) -> None:
    hasty = open_engine(str(sqlite_engine.url), lock_wait=0.1)
    with transaction(sqlite_engine), pytest.raises(OperationalError, match="locked"):
        put(hasty, "hasty")
    put(hasty, "hasty")
    hasty.dispose()
    assert names(sqlite_engine) == ["hasty"]


def test_a_new_file_that_another_has_locked_is_waited_for(tmp_path: Path) -> None:
    """To switch a file to WAL does not wait by itself, whatever the timeout."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (a)")
    other.execute("BEGIN EXCLUSIVE")
    later = threading.Timer(1, lambda: other.execute("ROLLBACK"))
    later.start()
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    later.join()
    engine.dispose()
    other.close()
