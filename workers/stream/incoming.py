"""Messages from the stream, read with suspicion: whoever reaches the server may have sent one."""

from pydantic import ValidationError

from models.cases.events import CaseEvent
from models.ids import event_id
from models.stream.incoming import IncomingEvent
from models.stream.names import event_subject


class UnreadableError(Exception):
    """A message that is no event of ours."""


def read_event(subject: str, data: bytes, place: int) -> IncomingEvent:
    """Return the event of a message that stands at this place of the stream.

    Raises:
        UnreadableError: It is no event, or not the one that its subject names.
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
    return IncomingEvent(event, body, place)
