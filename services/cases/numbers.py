"""The numbers by which people call cases: season, body, running number."""

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from models import tables
from models.ids import case_number, case_number_prefix

_COUNTER = tables.case_counter
_NEXT = {
    dialect: insert(_COUNTER)
    .on_conflict_do_update(index_elements=["prefix"], set_={"last": _COUNTER.c.last + 1})
    .returning(_COUNTER.c.last)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
"""Built once, as the statements of `rows` are."""


def take_number(connection: Connection, season: str, body: str) -> str:
    """Return the next number of a season and a body, within the caller's transaction.

    Where that transaction is rolled back, the number was never taken. Nobody else gets one of
    these until it ends.
    """
    row = {"prefix": case_number_prefix(season, body), "last": 1}
    taken: int = connection.execute(_NEXT[connection.dialect.name], row).scalar_one()
    return case_number(season, body, taken)
