"""Records as releases before this one had them, with rows that today's code wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, insert, select, text

from models.store.engine import open_engine, transaction
from models.store.upgrade import FOLDER
from models.tables import metadata
from models.tables.lookups import KNOWN


@contextmanager
def opened_older(request: pytest.FixtureRequest, folder: Path, version: str) -> Iterator[Engine]:
    """Open a record of a release, without a row, on the database that `request.param` names."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{folder / 'older.db'}")
    else:
        server = request.getfixturevalue("postgres")
        engine = open_engine(server.url(server.create()))
    migrate(engine, version)
    yield engine
    engine.dispose()


def migrate(engine: Engine, version: str) -> None:
    """Bring a record to the schema of a release."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER / "record"))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def copy_rows(today: Engine, older: Engine) -> None:
    """Copy every row, each with the columns that the older record has."""
    there = MetaData()
    there.reflect(older)
    with today.connect() as source, transaction(older) as target:
        for table in metadata.sorted_tables:
            if table.name in KNOWN or table.name not in there.tables:
                continue
            shared = [each for each in table.c if each.name in there.tables[table.name].c]
            rows = source.execute(select(*shared)).mappings().all()
            if rows:
                target.execute(insert(table), [dict(row) for row in rows])
    if older.dialect.name == "postgresql":
        _count_on(older)


def _count_on(older: Engine) -> None:
    """Let PostgreSQL's own counter of the outbox go on behind the rows that were copied."""
    newest = "SELECT setval(pg_get_serial_sequence('outbox', 'id'), max(id)) FROM outbox"
    with transaction(older) as connection:
        connection.execute(text(newest))
