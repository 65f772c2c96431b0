"""How far a consumer is with each case; a cursor moves in the transaction of the event's effect."""

from datetime import datetime

from sqlalchemy import Connection, select

from models import tables
from models.store.upsert import upsert
from models.stream.names import Durable

_consumer_cursor = tables.consumer_cursor.c


def read_cursor(connection: Connection, consumer: Durable, case_id: str) -> int:
    """Return the seq of the furthest event of a case that a consumer has handled; 0 for none."""
    query = select(_consumer_cursor.last_seq).filter_by(consumer=consumer, case_id=case_id)
    return connection.scalar(query) or 0


def advance_cursor(
    connection: Connection, consumer: Durable, case_id: str, seq: int, at: datetime
) -> bool:
    """Move a cursor forward to an event; return False if it stands there or beyond already.

    The row is locked either way, so a second worker on this case waits for the transaction.
    """
    moved = connection.execute(
        upsert(connection, tables.consumer_cursor)
        .values(consumer=consumer, case_id=case_id, last_seq=seq, at=at)
        .on_conflict_do_update(
            index_elements=["consumer", "case_id"],
            set_={"last_seq": seq, "at": at},
            where=_consumer_cursor.last_seq < seq,
        )
        .returning(_consumer_cursor.last_seq)
    )
    return moved.one_or_none() is not None
