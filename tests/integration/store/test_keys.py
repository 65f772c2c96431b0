"""Pairs are looked up by an index, on a table of whatever size."""

import pytest
from sqlalchemy import Column, Engine, Table, select

from models import tables
from models.store.keys import has_key
from tests.factories import OPENS

KEYS = [(f"case_{n}", n) for n in range(1, 20)]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (tables.transition, ("case_id", "seq")),
        (tables.outbox, ("case_id", "seq")),
        (tables.case_revision, ("case_id", "revision")),
    ],
)
def test_sqlite_searches_and_does_not_scan(
    sqlite_engine: Engine, table: Table, names: tuple[str, str]
) -> None:
    first, second = (table.c[name] for name in names)
    query = select(table).where(has_key(first, second, KEYS))
    compiled = query.compile(sqlite_engine, compile_kwargs={"literal_binds": True})
    with sqlite_engine.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    said = [row[-1] for row in steps]
    assert any(step.startswith(f"SEARCH {table.name} USING") for step in said), said
    assert not any(step.startswith(f"SCAN {table.name}") for step in said), said


def test_only_whole_pairs_count(engine: Engine) -> None:
    names = tables.consumer_cursor.c
    columns: list[Column[object]] = [names.case_id, names.last_seq]
    found = select(*columns).where(has_key(names.case_id, names.last_seq, [("a", 1), ("b", 2)]))
    with engine.begin() as connection:
        rows = [
            {"consumer": consumer, "case_id": case_id, "last_seq": seq, "at": OPENS}
            for consumer, case_id, seq in (("x", "a", 1), ("y", "a", 2), ("x", "b", 2))
        ]
        connection.execute(tables.consumer_cursor.insert(), rows)
        assert sorted(map(tuple, connection.execute(found))) == [("a", 1), ("b", 2)]
        nothing = select(*columns).where(has_key(names.case_id, names.last_seq, []))
        assert connection.execute(nothing).all() == []
