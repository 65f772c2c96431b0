"""A cursor only moves forward, and only one of two who move it is told that it moved."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from models.store.engine import reading, transaction
from models.stream.names import Durable
from services.stream.cursors import advance_cursor, read_cursor
from tests.factories import OPENS


def advance(engine: Engine, seq: int, consumer: Durable = Durable.NOTIFY) -> bool:
    with transaction(engine) as connection:
        return advance_cursor(connection, consumer, "case_1", seq, OPENS)


def test_it_moves_forward_and_never_back(engine: Engine) -> None:
    assert [advance(engine, seq) for seq in (1, 3, 3, 2, 4)] == [True, True, False, False, True]

    with reading(engine) as connection:
        assert read_cursor(connection, Durable.NOTIFY, "case_1") == 4
        assert read_cursor(connection, Durable.NOTIFY, "case_2") == 0


def test_each_consumer_has_its_own(engine: Engine) -> None:
    assert advance(engine, 5)
    assert advance(engine, 1, Durable.WEBHOOK)


def test_of_many_at_once_one_moves_it(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        moved = list(threads.map(lambda _: advance(engine, 1), range(8)))

    assert sorted(moved) == [False] * 7 + [True]
