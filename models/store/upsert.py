"""INSERT with ON CONFLICT, which SQLite and PostgreSQL spell alike and SQLAlchemy does not."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

type Upsert = sqlite.Insert | postgresql.Insert


def upsert(connection: Connection, table: Table) -> Upsert:
    """Return an INSERT of the connection's dialect, which offers `on_conflict_do_…`."""
    sqlite_speaks = connection.dialect.name == "sqlite"
    return sqlite.insert(table) if sqlite_speaks else postgresql.insert(table)


def insert_new(
    connection: Connection, table: Table, row: Mapping[str, Any], key: Sequence[str]
) -> bool:
    """Insert a row unless one with its key exists; return whether it was inserted."""
    return bool(insert_new_rows(connection, table, [row], key))


def insert_new_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> set[tuple[Any, ...]]:
    """Insert those rows whose key does not exist yet, in one statement.

    Args:
        connection: A transaction.
        table: Where to insert.
        rows: All with the same columns.
        key: The columns of a unique constraint.

    Returns:
        The key of each row that was inserted.
    """
    if not rows:
        return set()
    statement = upsert(connection, table).on_conflict_do_nothing(index_elements=list(key))
    returning = statement.returning(*(table.c[name] for name in key))
    return {tuple(row) for row in connection.execute(returning, [dict(row) for row in rows])}
