"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Table
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime: nobody could say which instant it is."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime has no place in the record"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401 - as in the base class
        """Return the instant in UTC."""
        del dialect
        if value is None:
            return None
        instant: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return instant.astimezone(UTC)


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, whose columns are typed as columns and not as values."""
    table: Table = model.__table__  # type: ignore[attr-defined] # sqlmodel's stubs hide it
    return table
