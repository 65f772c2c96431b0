"""What a column may hold stands in lookup tables, also for rows of the release before."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, Table, insert, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.cases.actions.names import Action
from models.store.engine import open_engine, transaction
from models.store.upgrade import FOLDER, record_version, upgrade_record
from models.tables import LOOKUPS, AppUser, CaseRecord, Transition, table_of
from models.tables.lookups import KNOWN
from tests.factories import commit, make_case, open_season
from tests.streams import outbox

BEFORE = "0013"


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table that was there before."""
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(text(f'SELECT * FROM "{name}"')).all()))  # noqa: S608 - names of tables
            for name in inspect(engine).get_table_names()
            if name not in {*KNOWN, "alembic_version"}
        }


def _of(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in table.c}


def _readable(index: Any) -> dict[str, Any]:
    """Return an index with its conditions as text, which can be compared."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def migrate(engine: Engine, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER / "record"))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A record as the release before had it, with a case under way."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    else:
        server = request.getfixturevalue("postgres")
        engine = open_engine(server.url(server.create()))
    migrate(engine, BEFORE)
    open_season(engine)
    case = make_case(engine)
    commit(engine, case, Action.SUBMIT)
    commit(engine, case, Action.ACCEPT)
    yield engine
    engine.dispose()


def test_the_rows_of_an_older_record_stay(old: Engine) -> None:
    before = rows(old)
    assert len(before["transition"]) == 2
    upgrade_record(old)
    assert record_version(old) != BEFORE
    assert rows(old) == before


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
    assert indexes() == before


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
    good, bad = ({"id": key, "seq": seq, "update_id": key} for key, seq in (("a", 8), ("b", 9)))
    with transaction(engine) as connection:
        connection.execute(insert(table), row | _of(table, good))  # the control
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(table), row | _of(table, bad) | {column: "unheard-of"})


def test_a_migration_that_leaves_a_row_dangling_is_rolled_back(tmp_path: Path) -> None:
    """SQLite checks no foreign key while a migration runs, so the upgrade does afterwards."""
    engine = open_engine(f"sqlite:///{tmp_path / 'dangling.db'}")
    migrate(engine, BEFORE)
    open_season(engine)
    case = make_case(engine)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("UPDATE case_record SET unit_id = 'nobody' WHERE id = ?", (case,))
        driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(RuntimeError, match="refer to nothing"):
        upgrade_record(engine)
    assert record_version(engine) == BEFORE
    engine.dispose()
