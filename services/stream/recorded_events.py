"""Events of a case read from the record, for a consumer that the stream did not bring them."""

from dataclasses import dataclass

from sqlalchemy import Engine, exists, select

from models import tables
from models.cases.events import CaseEvent
from models.store.engine import reading
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import Durable


@dataclass(frozen=True)
class RecordedEvent:
    """An event of the outbox.

    Attributes:
        body: Its exact text.
        discarded: Somebody discarded its dead letter of this consumer, which is to skip it.
    """

    event: CaseEvent
    body: str
    discarded: bool


def recorded_events(
    engine: Engine, consumer: Durable, case_id: str, first: int, last: int
) -> list[RecordedEvent]:
    """Return a case's events from seq `first` to `last`, in order, as far as they are on record."""
    dead_letter, outbox = tables.dead_letter.c, tables.outbox.c
    discarded = exists().where(
        dead_letter.consumer == consumer,
        dead_letter.subject == outbox.subject,
        dead_letter.status == DeadLetterStatus.DROPPED,
    )
    query = (
        select(outbox.body, discarded.label("discarded"))
        .where(outbox.case_id == case_id, outbox.seq.between(first, last))
        .order_by(outbox.seq)
    )
    with reading(engine) as connection:
        return [
            RecordedEvent(CaseEvent.model_validate_json(body), body, bool(discarded))
            for body, discarded in connection.execute(query)
        ]
