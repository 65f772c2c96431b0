"""A cursor only moves forward, and who locks it is told how far it is."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.stream.cursors import lock_cursors, move_cursors, read_cursor
from tests.factories import OPENS
from tests.integration.webhooks.sending import an_event
from tests.streams import incoming


def event(seq: int, case_id: str = "case_1") -> IncomingEvent:
    invented = an_event(case_id, seq)
    return incoming(invented.to_json(), seq)


def advance(
    engine: Engine, *events: IncomingEvent, consumer: Durable = Durable.NOTIFY
) -> dict[str, int]:
    """Move cursors to events; return how far they were before."""
    with transaction(engine) as connection:
        before = lock_cursors(connection, consumer, events, OPENS)
        move_cursors(connection, consumer, events, OPENS)
    return before


def test_it_moves_forward_and_never_back(engine: Engine) -> None:
    before = [advance(engine, event(seq))["case_1"] for seq in (1, 3, 3, 2, 4)]
    assert before == [0, 1, 3, 3, 3]

    with reading(engine) as connection:
        assert read_cursor(connection, Durable.NOTIFY, "case_1") == 4
        assert read_cursor(connection, Durable.NOTIFY, "case_2") == 0


def test_those_of_several_cases_move_at_once(engine: Engine) -> None:
    advance(engine, event(2, "case_2"))
    some = [event(1, "case_2"), event(1), event(4, "case_3"), event(2), event(3, "case_3")]
    assert advance(engine, *some) == {"case_1": 0, "case_2": 2, "case_3": 0}
    again = {case: event(1, case) for case in ("case_1", "case_2", "case_3")}
    assert advance(engine, *again.values()) == {"case_1": 2, "case_2": 2, "case_3": 4}
    assert advance(engine) == {}


def test_each_consumer_has_its_own(engine: Engine) -> None:
    assert advance(engine, event(5)) == {"case_1": 0}
    assert advance(engine, event(1), consumer=Durable.WEBHOOK) == {"case_1": 0}


def test_of_many_at_once_one_finds_it_where_it_was(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        before = list(threads.map(lambda _: advance(engine, event(1))["case_1"], range(8)))

    assert sorted(before) == [0] + [1] * 7
