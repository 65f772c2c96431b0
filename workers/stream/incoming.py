"""What came from the stream, read with suspicion; and the same events from the record."""

from pydantic import ValidationError
from sqlalchemy import Engine, select

from models.cases.events import CaseEvent
from models.ids import event_id
from models.store.engine import reading
from models.stream.names import event_subject
from models.tables import Outbox, table_of
from workers.logs.redaction import redact_text

LONGEST_REASON = 300

_OUTBOX = table_of(Outbox).c


class UnreadableError(Exception):
    """A message that is no event of ours."""


def read_event(subject: str, data: bytes) -> tuple[CaseEvent, str]:
    """Return the event of a message, and its exact text.

    Raises:
        UnreadableError: It is not what its subject says, or not ours at all.
    """
    try:
        body = data.decode()
        event = CaseEvent.model_validate_json(body)
        expected = event_subject(event.name, event.data.case_id, event.data.seq)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        raise UnreadableError(f"not an event of ours: {', '.join(places) or 'no JSON'}") from error
    except ValueError as error:  # not UTF-8, or a type of event that we do not know
        raise UnreadableError(f"not an event of ours: {type(error).__name__}") from error
    if subject != expected or event.id != event_id(event.data.case_id, event.data.seq):
        raise UnreadableError(f"{event.id} belongs under {expected}")
    return event, body


def reason_kept(why: str) -> str:
    """Return a reason without personal data, short enough to keep."""
    return " ".join(redact_text(why).split())[:LONGEST_REASON]


def new_letter(why: str) -> bytes:
    """Return the answer that gives a message up; the server's advisory then says why.

    The client's own `Msg.term` gives no reason.
    """
    return f"+TERM {reason_kept(why)}".encode()


def announced_on_record(engine: Engine, case_id: str, first: int, last: int) -> list[str]:
    """Return the texts of a case's events from `first` to `last`, in order."""
    query = (
        select(_OUTBOX.body)
        .where(_OUTBOX.case_id == case_id, _OUTBOX.seq.between(first, last))
        .order_by(_OUTBOX.seq)
    )
    with reading(engine) as connection:
        return list(connection.scalars(query))
