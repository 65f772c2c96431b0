"""Make lookup tables, and let columns refer to them instead of holding a CHECK list."""

import re
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op


def make_lookup(name: str, values: str) -> None:
    """Make a lookup table with its first rows.

    Args:
        name: The table.
        values: What its column `name` holds, with spaces between.
    """
    table = op.create_table(name, sa.Column("name", sa.String(40), primary_key=True))
    op.bulk_insert(table, [{"name": value} for value in values.split()])


def refer(table: str, lookups: Mapping[str, str]) -> None:
    """Replace the CHECK list `<column>_known` of each column by a foreign key.

    Args:
        table: Whose columns.
        lookups: Column → lookup table.
    """
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(table, lookups)
        return
    for column, lookup in lookups.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {column}_known")
        op.execute(f"ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {lookup} (name)")


def _rebuild(table: str, lookups: Mapping[str, str]) -> None:
    """Copy a table of SQLite, which cannot alter a constraint; keep its indexes and triggers.

    Foreign keys are off while migrations run (`models.store.upgrade`), so that no row that
    refers to the table stands in the way.
    """
    connection = op.get_bind()
    made, *rest = connection.scalars(
        sa.text(
            "SELECT sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL "
            "ORDER BY type <> 'table'"
        ),
        {"table": table},
    ).all()
    for column, lookup in lookups.items():
        made = _with_foreign_key(made, column, lookup)
    new = f"new_{table}"
    op.execute(sa.text(re.sub(rf'^CREATE TABLE "?{table}"?', f"CREATE TABLE {new}", made)))
    op.execute(f"INSERT INTO {new} SELECT * FROM {table}")  # noqa: S608 - names of our migrations
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {new} RENAME TO {table}")
    for statement in rest:
        op.execute(sa.text(statement.replace(":", r"\:")))


def _with_foreign_key(made: str, column: str, lookup: str) -> str:
    found = rf'CONSTRAINT "?{column}_known"? CHECK \((?:[^()]|\([^()]*\))*\)'
    changed, times = re.subn(found, f"FOREIGN KEY({column}) REFERENCES {lookup} (name)", made)
    if times != 1:
        message = f"{times} lists of {column} in: {made}"
        raise RuntimeError(message)
    return changed
