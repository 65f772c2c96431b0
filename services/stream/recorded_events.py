"""Events of a case read from the record, for a consumer that the stream did not bring them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, exists, select

from models import tables
from models.cases.binding import BOUND, NO_LINE, misfit
from models.cases.events import CaseEvent
from models.store.engine import reading
from models.store.keys import has_key
from models.stream.dead_letters import DeadLetterStatus
from models.stream.incoming import FROM_RECORD, IncomingEvent
from models.stream.names import Durable, parse_subject

LARGEST_SEQ = 2**31 - 1
"""What the databases' column holds."""
_line = tables.transition.c
_LINES = select(_line.case_id, _line.seq, *(_line[name] for name in BOUND))


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

    def incoming(self) -> IncomingEvent:
        """Return it as a consumer takes it."""
        return IncomingEvent(self.event, self.body, FROM_RECORD)


def recorded_events(
    engine: Engine, consumer: Durable, case_id: str, first: int, last: int
) -> list[RecordedEvent]:
    """Return a case's events from seq `first` to `last`, in order, as far as they are on record.

    One that is not as its line of history says is as good as lost.
    """
    dead_letter, outbox = tables.dead_letter.c, tables.outbox.c
    discarded = exists().where(
        dead_letter.consumer == consumer,
        dead_letter.subject == outbox.subject,
        dead_letter.status == DeadLetterStatus.DROPPED,
    )
    query = (
        select(
            outbox.body,
            discarded.label("discarded"),
            _line.case_id,
            _line.seq,
            *(_line[name] for name in BOUND),
        )
        .join(tables.transition, (_line.case_id == outbox.case_id) & (_line.seq == outbox.seq))
        .where(outbox.case_id == case_id, outbox.seq.between(first, last))
        .order_by(outbox.seq)
    )
    with reading(engine) as connection:
        return [
            RecordedEvent(
                CaseEvent.model_validate_json(row["body"]), row["body"], bool(row["discarded"])
            )
            for row in connection.execute(query).mappings()
            if misfit(row, row["body"]) is None
        ]


def event_under(engine: Engine, consumer: Durable, subject: str) -> RecordedEvent | None:
    """Return the event of the record that belongs under a subject; None: there is none."""
    try:
        name, case_id, seq = parse_subject(subject)
    except ValueError:
        return None
    if seq > LARGEST_SEQ:
        return None
    found = recorded_events(engine, consumer, case_id, seq, seq)
    return found[0] if found and found[0].event.name == name else None


def misfits_on_record(engine: Engine, events: Sequence[IncomingEvent]) -> list[str | None]:
    """Say what of each event is not as its line of history says; `NO_LINE`; None: it fits.

    Args:
        engine: The record.
        events: Events that came from elsewhere.
    """
    keys = [(each.event.data.case_id, each.event.data.seq) for each in events]
    asked = [key for key in keys if key[1] <= LARGEST_SEQ]
    with reading(engine) as connection:
        found = connection.execute(
            _LINES.where(has_key(_line.case_id, _line.seq, asked))
        ).mappings()
        lines = {(line["case_id"], line["seq"]): line for line in found}
    return [
        misfit(lines[key], each.body) if key in lines else NO_LINE
        for key, each in zip(keys, events, strict=True)
    ]
