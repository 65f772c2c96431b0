"""Triggers that let a table only grow, whoever holds the connection."""

from collections.abc import Sequence

from alembic import op

_SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is insert only'); END
"""

_SQLITE_REPLACING = """
CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
BEGIN SELECT RAISE(ABORT, '{table} is insert only'); END
"""

_POSTGRESQL_FUNCTION = """
CREATE FUNCTION {table}_insert_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{table} is insert only' USING ERRCODE = 'restrict_violation'; END $$
"""

_POSTGRESQL_TRIGGER = """
CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_insert_only()
"""


def make_insert_only(table: str) -> None:
    """Refuse every UPDATE and DELETE (and on PostgreSQL TRUNCATE) of `table`.

    A later batch migration of the table on SQLite copies it, and has to call this again.
    """
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(_SQLITE.format(table=table, verb=verb))
    else:
        op.execute(_POSTGRESQL_FUNCTION.format(table=table))
        op.execute(_POSTGRESQL_TRIGGER.format(table=table))


def freeze_columns(table: str, columns: Sequence[str]) -> None:
    """Refuse every DELETE of `table`, and every UPDATE of these columns."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE.format(table=table, verb="delete"))
    else:
        op.execute(_POSTGRESQL_FUNCTION.format(table=table))
    _refuse_updates(table, columns)


def freeze_anew(table: str, columns: Sequence[str]) -> None:
    """Refuse every UPDATE of these columns of a table of which others were frozen before."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {table}_no_update")
    else:
        op.execute(f"DROP TRIGGER {table}_insert_only ON {table}")
    _refuse_updates(table, columns)


def _refuse_updates(table: str, columns: Sequence[str]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    if op.get_bind().dialect.name == "sqlite":
        frozen = _SQLITE.replace("{verb} ON", "UPDATE OF {columns} ON")
        op.execute(frozen.format(table=table, verb="update", columns=listed))
    else:
        op.execute(
            _POSTGRESQL_TRIGGER.format(table=table).replace(
                "UPDATE OR DELETE", f"UPDATE OF {listed} OR DELETE"
            )
        )


def refuse_replacing(table: str, *keys: Sequence[str]) -> None:
    """Refuse `INSERT OR REPLACE` on SQLite: it removes a line, and no trigger hears of that.

    On PostgreSQL `ON CONFLICT DO UPDATE` is an UPDATE, and refused as such.

    Args:
        table: Which table; a later batch migration of it has to call this again.
        keys: The columns of each of its unique keys.
    """
    if op.get_bind().dialect.name == "sqlite":
        same = " OR ".join(
            "(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys
        )
        op.execute(_SQLITE_REPLACING.format(table=table, same=same))
