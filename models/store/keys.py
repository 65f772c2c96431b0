"""Rows by keys of two columns, many at once."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, tuple_


def has_key(
    first: ColumnElement[Any], second: ColumnElement[Any], keys: Collection[tuple[Any, Any]]
) -> ColumnElement[bool]:
    """Return the condition that two columns are one of these pairs.

    SQLite finds pairs by no index and reads the whole table; the first column alone lets it.
    """
    return and_(first.in_({key[0] for key in keys}), tuple_(first, second).in_(keys))
