"""Columns and constraints that migrations write often; what they mean may never change."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def instant(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Return a column of aware UTC datetimes."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def text(name: str, length: int | None = None, *, null: bool = False) -> sa.Column[Any]:
    """Return a column of text, of at most `length` characters on PostgreSQL."""
    return sa.Column(name, sa.String(length), nullable=null)


def known(column: str, values: str) -> sa.CheckConstraint:
    """Return a check that `column` holds one of `values`, a list with spaces between."""
    listed = ", ".join(f"'{value}'" for value in values.split())
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def index(table: str, column: str) -> None:
    """Make the plain index of one column."""
    op.create_index(f"ix_{table}_{column}", table, [column])
