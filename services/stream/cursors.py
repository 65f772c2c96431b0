"""How far a consumer is with each case; a cursor moves in the transaction of the event's effect."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from models import tables
from models.store.upsert import upsert
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable

_cursor = tables.consumer_cursor.c
_MOVE = (
    update(tables.consumer_cursor)
    .where(_cursor.consumer == bindparam("of"), _cursor.case_id == bindparam("about"))
    .where(_cursor.last_seq < bindparam("reached"))
    .values(last_seq=bindparam("reached"), at=bindparam("now"))
)


def read_cursor(connection: Connection, consumer: Durable, case_id: str) -> int:
    """Return the seq of the furthest event of a case that a consumer has handled; 0 for none."""
    query = select(_cursor.last_seq).filter_by(consumer=consumer, case_id=case_id)
    return connection.scalar(query) or 0


def lock_cursors(
    connection: Connection, consumer: Durable, events: Iterable[IncomingEvent], at: datetime
) -> dict[str, int]:
    """Return how far a consumer is with each case of some events: case → seq, 0 for none.

    The rows are locked, always in the same order, so that a second worker on one of these cases
    waits for the transaction.
    """
    cases = sorted({each.event.data.case_id for each in events})
    if not cases:
        return {}
    statement = upsert(connection, tables.consumer_cursor)
    statement = statement.on_conflict_do_update(
        index_elements=["consumer", "case_id"], set_={"consumer": statement.excluded.consumer}
    )
    rows = [{"consumer": consumer, "case_id": case, "last_seq": 0, "at": at} for case in cases]
    found = connection.execute(statement.returning(_cursor.case_id, _cursor.last_seq), rows)
    return {row.case_id: row.last_seq for row in found}


def move_cursors(
    connection: Connection, consumer: Durable, events: Iterable[IncomingEvent], at: datetime
) -> None:
    """Move cursors that are locked forward to the newest of these events, never back."""
    reached: dict[str, int] = {}
    for each in events:
        case_id, seq = each.event.data.case_id, each.event.data.seq
        reached[case_id] = max(seq, reached.get(case_id, 0))
    if reached:
        moves = [
            {"of": consumer, "about": case_id, "reached": seq, "now": at}
            for case_id, seq in reached.items()
        ]
        connection.execute(_MOVE, moves)
