"""What a column may hold stands in lookup tables, also for rows of the release before."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, TextClause, insert, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.cases.actions.names import Action
from models.store.engine import open_engine, transaction
from models.store.upgrade import record_version, upgrade_record
from models.tables import LOOKUPS, AppUser, CaseRecord, Transition, table_of
from models.tables.lookups import KNOWN
from tests.factories import commit, make_case
from tests.older_record import copy_rows, migrate
from tests.streams import outbox

BEFORE = "0013"


def columns(engine: Engine) -> dict[str, list[str]]:
    """The columns of every table of a record, but for the lookups."""
    seen = inspect(engine)
    return {
        name: [column["name"] for column in seen.get_columns(name)]
        for name in seen.get_table_names()
        if name not in {*KNOWN, "alembic_version"}
    }


def rows(engine: Engine, wanted: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Every row of some tables, with some of their columns."""
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(_query(name, names)).all()))
            for name, names in wanted.items()
        }


def _query(name: str, names: list[str]) -> TextClause:
    return text(f'SELECT {", ".join(names)} FROM "{name}"')  # noqa: S608 - names of our tables


def _of(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in table.c}


def _readable(index: Any) -> dict[str, Any]:
    """Return an index with its conditions as text, which can be compared."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path, sqlite_engine: Engine, season: str) -> Any:
    """A record as the release before had it, with a case under way."""
    case = make_case(sqlite_engine, season=season)
    commit(sqlite_engine, case, Action.SUBMIT)
    commit(sqlite_engine, case, Action.ACCEPT)
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    else:
        server = request.getfixturevalue("postgres")
        engine = open_engine(server.url(server.create()))
    migrate(engine, BEFORE)
    copy_rows(sqlite_engine, engine)
    yield engine
    engine.dispose()


def test_the_rows_of_an_older_record_stay(old: Engine) -> None:
    names = columns(old)
    before = rows(old, names)
    assert len(before["transition"]) == 2
    upgrade_record(old)
    assert record_version(old) != BEFORE
    assert rows(old, names) == before


def test_an_older_record_goes_on(old: Engine) -> None:
    upgrade_record(old)
    case = make_case(old)
    commit(old, case, Action.SUBMIT)
    assert [row.seq for row in outbox(old) if row.case_id == case] == [1]


@pytest.mark.parametrize("statement", ["UPDATE transition SET seq = 7", "DELETE FROM transition"])
def test_what_only_grows_still_does(old: Engine, statement: str) -> None:
    upgrade_record(old)
    with pytest.raises(DBAPIError, match="insert only"), transaction(old) as connection:
        connection.execute(text(statement))


def test_indexes_are_those_of_before(old: Engine) -> None:
    def indexes() -> dict[str, Any]:
        seen = inspect(old)
        names = [name for name in seen.get_table_names() if name not in KNOWN]
        return {
            name: sorted(
                (str(each["name"]), str(each["column_names"]), str(each.get("dialect_options")))
                for each in [_readable(index) for index in seen.get_indexes(name)]
            )
            for name in names
        }

    before = indexes()
    upgrade_record(old)
    after = indexes()
    assert {
        name: [each for each in after[name] if each in kept] for name, kept in before.items()
    } == before


def test_the_lookup_tables_hold_what_the_code_knows(engine: Engine) -> None:
    assert {each.name for each in LOOKUPS} == set(KNOWN)
    with engine.connect() as connection:
        for table in LOOKUPS:
            held = connection.scalars(table.select()).all()
            assert sorted(held) == sorted(KNOWN[table.name]), table.name


@pytest.mark.parametrize(
    ("model", "column"), [(CaseRecord, "state"), (Transition, "action"), (AppUser, "role")]
)
def test_a_value_that_nobody_entered_is_refused(
    engine: Engine, season: str, model: Any, column: str
) -> None:
    case = make_case(engine, season=season)
    commit(engine, case, Action.SUBMIT)
    table = table_of(model)
    with engine.connect() as connection:
        row = dict(connection.execute(table.select().limit(1)).mappings().one())
    good, bad = (
        {"id": key, "number": key, "seq": seq, "update_id": key}
        for key, seq in (("a", 8), ("b", 9))
    )
    with transaction(engine) as connection:
        connection.execute(insert(table), row | _of(table, good))  # the control
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(table), row | _of(table, bad) | {column: "unheard-of"})


def test_a_migration_that_leaves_a_row_dangling_is_rolled_back(
    tmp_path: Path, sqlite_engine: Engine, season: str
) -> None:
    """SQLite checks no foreign key while a migration runs, so the upgrade does afterwards."""
    engine = open_engine(f"sqlite:///{tmp_path / 'dangling.db'}")
    migrate(engine, BEFORE)
    case = make_case(sqlite_engine, season=season)
    copy_rows(sqlite_engine, engine)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("UPDATE case_record SET unit_id = 'nobody' WHERE id = ?", (case,))
        driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(RuntimeError, match="refer to nothing"):
        upgrade_record(engine)
    assert record_version(engine) == BEFORE
    engine.dispose()
