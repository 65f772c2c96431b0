"""Names that the NATS server keeps: streams, durable consumers, subjects. A test pins them."""

from enum import StrEnum
from typing import Final, NamedTuple

from models.cases.actions.names import EventName

EVENTS: Final = "TUIXUAN_EVENTS"
"""The stream of events: one message a subject, for ever."""

ADVISORIES: Final = "TUIXUAN_DEAD"
"""The stream of the server's advisories about messages that a consumer never acknowledged."""

SUBJECTS: Final = "tuixuan.v1.case.*.*.*"
"""What the stream of events takes: event, case, seq."""

_PREFIX: Final = ("tuixuan", "v1", "case")


class Durable(StrEnum):
    """The durable consumers of the events, each of which also keeps cursors under its name."""

    AUDIT = "audit"
    NOTIFY = "notify"
    WEBHOOK = "webhook"


class EventSubject(NamedTuple):
    """What a subject names. `event`: as written, known to us or not."""

    event: str
    case_id: str
    seq: int


def event_subject(name: EventName, case_id: str, seq: int) -> str:
    """Return the subject of one event, which holds that one message for ever."""
    return ".".join((*_PREFIX, name, case_id, str(seq)))


def case_subjects(case_id: str) -> str:
    """Return the pattern of the subjects of all events of a case."""
    return ".".join((*_PREFIX, "*", case_id, "*"))


def parse_subject(subject: str) -> EventSubject:
    """Take the subject of an event apart.

    Raises:
        ValueError: It is not the subject of a case's event.
    """
    *prefix, event, case_id, seq = ("", "", "", *subject.split("."))
    if tuple(prefix[3:]) != _PREFIX or not (case_id and seq.isascii() and seq.isdecimal()):
        raise ValueError(f"not the subject of an event: {subject}")
    return EventSubject(event, case_id, int(seq))
