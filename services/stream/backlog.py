"""The relay's backlog: events that are on record and not published yet."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Engine, func, select

from models import tables
from models.ids import event_id
from models.store.engine import reading

MOST_STUCK = 50


class StuckEvent(BaseModel):
    """An event that could not be published, and why."""

    id: str
    attempts: int
    last_error: str | None


class Backlog(BaseModel):
    """How many events wait. `oldest_seconds`: how long the first one has waited."""

    waiting: int
    oldest_at: datetime | None
    oldest_seconds: float
    stuck: list[StuckEvent]


def read_backlog(engine: Engine, at: datetime) -> Backlog:
    """Return what the relay has still to publish, as of `at`."""
    outbox = tables.outbox.c
    waits = outbox.published_at.is_(None)
    oldest_first = (
        select(outbox.case_id, outbox.seq, outbox.attempts, outbox.last_error)
        .where(waits, outbox.attempts > 0)
        .order_by(outbox.id)
        .limit(MOST_STUCK)
    )
    with reading(engine) as connection:
        count, oldest = connection.execute(
            select(func.count(), func.min(outbox.created_at)).where(waits)
        ).one()
        stuck = [
            StuckEvent(id=event_id(case_id, seq), attempts=attempts, last_error=error)
            for case_id, seq, attempts, error in connection.execute(oldest_first)
        ]
    seconds = 0.0 if oldest is None else max(0.0, (at - oldest).total_seconds())
    return Backlog(waiting=count, oldest_at=oldest, oldest_seconds=round(seconds, 3), stuck=stuck)
