"""Bring a database to the newest version of its tables; safe to call from many at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.schema import CreateSchema

import models
from models.store.engine import transaction

FOLDER = Path(models.__file__).parent / "migrations"
"""Plain files, in a checkout as in an installed wheel."""

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('tuixuan.migrations'))"


def upgrade_record(engine: Engine) -> None:
    """Bring the record to its newest version, whole or not at all."""
    _upgrade(engine, FOLDER / "record")


def upgrade_audit(engine: Engine) -> None:
    """Bring the audit's own store to its newest version; make its schema where one is named."""
    if engine.dialect.name == "postgresql":
        _make_schema(engine)
    _upgrade(engine, FOLDER / "audit")


def record_version(engine: Engine) -> str | None:
    """Return the version of the record's tables; None: there are none yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_record_version() -> str | None:
    """Return the version that this code was written for."""
    return ScriptDirectory(str(FOLDER / "record")).get_current_head()


def _upgrade(engine: Engine, scripts: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with _without_foreign_keys(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(_ONE_AT_A_TIME))
        config.attributes["connection"] = connection
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(config, "head")
        if before != MigrationContext.configure(connection).get_current_revision():
            _refuse_dangling(connection)


@contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """Run a block in one transaction; on SQLite, where a migration copies tables, without them.

    SQLite switches its foreign keys only between transactions.
    """
    with engine.connect().execution_options(tuixuan_writes=True) as connection:
        switch = connection.dialect.name == "sqlite"
        driver = connection.connection.driver_connection if switch else None
        if driver is not None:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            if driver is not None:
                driver.execute("PRAGMA foreign_keys=ON")


def _refuse_dangling(connection: Connection) -> None:
    """Roll a migration of SQLite back that left a row referring to nothing."""
    if connection.dialect.name == "sqlite":
        dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
        if dangling:
            message = f"rows that refer to nothing after the migration: {dangling[:5]}"
            raise RuntimeError(message)


def _make_schema(engine: Engine) -> None:
    """Make the first schema of the search path (`options=-csearch_path=audit`) if missing."""
    with transaction(engine) as connection:
        connection.execute(text(_ONE_AT_A_TIME))
        if connection.scalar(text("SELECT current_schema()")) is None:
            path: str = connection.scalars(text("SHOW search_path")).one()
            first = path.split(",", maxsplit=1)[0].strip().strip('"')
            connection.execute(CreateSchema(first, if_not_exists=True))
