"""Bring a database to the newest version of its tables; safe to call from many at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
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
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(_ONE_AT_A_TIME))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _make_schema(engine: Engine) -> None:
    """Make the first schema of the search path (`options=-csearch_path=audit`) if missing."""
    with transaction(engine) as connection:
        connection.execute(text(_ONE_AT_A_TIME))
        if connection.scalar(text("SELECT current_schema()")) is None:
            path: str = connection.scalars(text("SHOW search_path")).one()
            first = path.split(",", maxsplit=1)[0].strip().strip('"')
            connection.execute(CreateSchema(first, if_not_exists=True))
