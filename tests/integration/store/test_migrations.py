"""The migrations make exactly the tables that the code knows, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from models.audit.entries import AuditEntry, EntryKind
from models.cases.actions.names import Action
from models.cases.states import State
from models.store import upgrade
from models.store.engine import open_engine, transaction
from models.store.upgrade import (
    newest_record_version,
    record_version,
    upgrade_audit,
    upgrade_record,
)
from models.tables import Outbox, Transition, metadata, table_of
from models.tables.audit import audit_metadata
from services.audit.chain import append
from services.audit.entries import enter_now
from services.clock import now
from tests.factories import commit, keep_reason, make_case
from tests.receivers import ORGANISER
from tests.streams import incoming, outbox

STORES = [("record", metadata), ("audit", audit_metadata)]


def described(engine: Engine, tables: MetaData) -> dict[str, Any]:
    """All that a database says of our tables: Alembic's own comparison skips the checks."""
    seen = inspect(engine)
    return {
        name: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"])
                for column in seen.get_columns(name)
            },
            "key": seen.get_pk_constraint(name)["constrained_columns"],
            "foreign": sorted(
                (key["constrained_columns"], key["referred_table"], key["referred_columns"])
                for key in seen.get_foreign_keys(name)
            ),
            "unique": sorted(
                (str(each["name"]), each["column_names"])
                for each in seen.get_unique_constraints(name)
            ),
            "checks": sorted(
                (str(check["name"]), check["sqltext"]) for check in seen.get_check_constraints(name)
            ),
            "indexes": sorted(
                (str(index["name"]), str(index["column_names"]), bool(index["unique"]))
                for index in seen.get_indexes(name)
            ),
        }
        for name in sorted(tables.tables)
    }


@pytest.mark.parametrize(("store", "tables"), STORES)
def test_the_migrated_database_is_what_the_tables_say(
    store: str, tables: MetaData, engine: Engine, audit_engine: Engine, tmp_path: Path
) -> None:
    migrated = engine if store == "record" else audit_engine
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables) == []
    if migrated.dialect.name == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path / 'made.db'}")
        tables.create_all(made)
        assert described(migrated, tables) == described(made, tables)
        made.dispose()
        return
    as_migrated = described(migrated, tables)
    with transaction(migrated) as connection:
        tables.drop_all(connection)
        tables.create_all(connection)
    assert as_migrated == described(migrated, tables)


def test_a_missing_column_is_found(engine: Engine) -> None:
    """The control: the comparison can fail."""
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE unit DROP COLUMN created_at"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) != []


def test_versions_are_told(engine: Engine, tmp_path: Path) -> None:
    empty = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    assert record_version(empty) is None
    empty.dispose()
    assert record_version(engine) == newest_record_version() is not None


def test_upgrading_again_changes_nothing(engine: Engine, audit_engine: Engine, season: str) -> None:
    case = make_case(engine, season=season)
    upgrade_record(engine)
    upgrade_audit(audit_engine)
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT id FROM case_record")).all() == [case]


def test_many_at_once_upgrade_once(database_urls: tuple[str, str]) -> None:
    record, audit = (open_engine(url) for url in database_urls)
    for engine, tables in ((record, metadata), (audit, audit_metadata)):
        with transaction(engine) as connection:
            tables.drop_all(connection)
            connection.execute(text("DROP TABLE alembic_version"))
            if engine.dialect.name == "postgresql":
                for name in ("transition", "outbox", "deed", "audit_record"):
                    connection.execute(text(f"DROP FUNCTION IF EXISTS {name}_insert_only"))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(upgrade_record, [record] * 3))
        list(pool.map(upgrade_audit, [audit] * 3))
    assert described(record, metadata)
    assert described(audit, audit_metadata)
    record.dispose()
    audit.dispose()


def test_a_migration_that_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "record"
    (scripts / "versions").mkdir(parents=True)
    real = upgrade.FOLDER / "record"
    (scripts / "env.py").write_text((real / "env.py").read_text())
    first = (real / "versions" / "r0001_cases.py").read_text()
    broken = first.replace('    make_insert_only("transition")', "    raise InterruptedError")
    (scripts / "versions" / "r0001_cases.py").write_text(broken)
    monkeypatch.setattr(upgrade, "FOLDER", tmp_path)
    engine = open_engine(f"sqlite:///{tmp_path / 'broken.db'}")

    with pytest.raises(InterruptedError):
        upgrade_record(engine)

    assert inspect(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE transition SET reason = 'x'", "UPDATE transition SET hash = hash WHERE seq = 1",
     "DELETE FROM transition", "DELETE FROM transition WHERE seq = 1"],
)  # fmt: skip
def test_history_only_grows(engine: Engine, season: str, statement: str) -> None:
    make_case(engine, season=season, state=State.RECOMMENDATION)
    with pytest.raises(DBAPIError, match="transition is insert only"), transaction(engine) as it:
        it.execute(text(statement))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM transition")) == 2


def test_of_history_a_reason_can_go_and_nothing_else(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.RECOMMENDATION)
    reason = keep_reason(engine, case_id, "理由")
    commit(engine, case_id, Action.LEAVE_OUT, reason=reason)
    others = [column.name for column in table_of(Transition).c if column.name != "reason"]
    for change in (*(f"{name} = {name}" for name in others), "reason = NULL, seq = 9"):
        with pytest.raises(DBAPIError, match="transition is insert"), transaction(engine) as it:
            it.execute(text(f"UPDATE transition SET {change}"))  # noqa: S608 - our columns
    with transaction(engine) as connection:
        connection.execute(text("UPDATE transition SET reason = NULL"))
    with pytest.raises(DBAPIError, match="transition is insert"), transaction(engine) as connection:
        connection.execute(text("UPDATE transition SET reason = '理由' WHERE seq = 3"))


def test_of_the_outbox_only_the_marks_change(engine: Engine, season: str) -> None:
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    marks = {"published_at", "stream_seq", "attempts", "last_error"}
    for column in table_of(Outbox).c:
        change = text(f"UPDATE outbox SET {column.name} = {column.name}")  # noqa: S608 - ours
        if column.name in marks:
            with transaction(engine) as connection:
                connection.execute(change)
            continue
        with pytest.raises(DBAPIError, match="outbox is insert"), transaction(engine) as connection:
            connection.execute(change)
    with pytest.raises(DBAPIError, match="outbox is insert"), transaction(engine) as connection:
        connection.execute(text("DELETE FROM outbox"))


@pytest.mark.parametrize("table", ["transition", "outbox", "deed", "audit_record"])
def test_nothing_is_put_in_the_place_of_a_line(
    sqlite_engine: Engine, sqlite_urls: tuple[str, str], season: str, table: str
) -> None:
    """SQLite's `INSERT OR REPLACE` removes the line before, and no trigger of it hears of that."""
    make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    entry = AuditEntry(kind=EntryKind.ACCESS, action="x", object="x", actor=ORGANISER, request="r")
    enter_now(sqlite_engine, entry, now())
    audit = open_engine(sqlite_urls[1])
    with transaction(audit) as connection:
        append(connection, [incoming(outbox(sqlite_engine)[0].body)], now())
    store = audit if table == "audit_record" else sqlite_engine
    with pytest.raises(DBAPIError, match=f"{table} is insert only"), transaction(store) as it:
        it.execute(text("INSERT OR REPLACE INTO {0} SELECT * FROM {0}".replace("{0}", table)))
    audit.dispose()


def test_the_audit_lives_in_a_schema_of_its_own(postgres_urls: tuple[str, str]) -> None:
    record, audit = (open_engine(url) for url in postgres_urls)
    names = inspect(audit).get_table_names(schema="audit")
    assert sorted(names) == ["alembic_version", "audit_record"]
    assert "audit_record" not in inspect(record).get_table_names(schema="public")
    record.dispose()
    audit.dispose()
