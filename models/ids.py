"""Ids that are made of other ids: how each is built and parsed."""

from datetime import datetime
from typing import NamedTuple

DEMO_PREFIX = "demo-"
"""What the ids of demonstration seasons begin with; lists leave them out unless asked."""
_MOST_SEQ_DIGITS = 9
"""A longer number is no seq: the databases' integer column could not even be asked for it."""


class EventKey(NamedTuple):
    """The case and the line of its history that an event announces."""

    case_id: str
    seq: int


class ActorName(NamedTuple):
    """A role and who acts in it, as typed or stored; neither is checked."""

    role: str
    id: str


class Place(NamedTuple):
    """A row's place in a list by time: the next page begins behind it, even if the row moved on."""

    at: datetime
    id: str

    def __str__(self) -> str:
        """Return the cursor of the page that begins behind it."""
        return f"{self.at.isoformat()}~{self.id}"


def parse_place(cursor: str) -> Place:
    """Return the place that a cursor names.

    Raises:
        ValueError: The text is no such cursor.
    """
    at, tilde, row_id = cursor.partition("~")
    instant = datetime.fromisoformat(at)
    if not tilde or not row_id or instant.tzinfo is None:
        raise ValueError(f"not a cursor: {cursor}")
    return Place(instant, row_id)


def event_id(case_id: str, seq: int) -> str:
    """Return the id on which every consumer deduplicates, `case_id:seq`."""
    return f"{case_id}:{seq}"


def parse_event_id(text: str) -> EventKey:
    """Take an event id apart.

    Raises:
        ValueError: The text is no event id.
    """
    case_id, _, seq = text.rpartition(":")
    if not (case_id and seq.isascii() and seq.isdecimal() and len(seq) <= _MOST_SEQ_DIGITS):
        raise ValueError(f"not an event id: {text}")
    return EventKey(case_id, int(seq))


def case_path(case_id: str) -> str:
    """Return `case/<id>`: the case's workflow id, and the `subject` of its CloudEvents."""
    return f"case/{case_id}"


def parse_case_path(text: str) -> str | None:
    """Return the case id of `case/<id>`; None: the text is something else."""
    kind, _, case_id = text.partition("/")
    return case_id if kind == "case" and case_id else None


def case_number_prefix(season: str, body: str) -> str:
    """Return what the numbers of a body's cases in a season begin with."""
    return f"{season}-{body}-"


def case_number(season: str, body: str, running: int) -> str:
    """Return the number by which people call a case, e.g. `2024-fujian-0012`."""
    return f"{case_number_prefix(season, body)}{running:04}"


def actor_name(role: str, actor_id: str) -> str:
    """Return `role:id`, the form of the command line and of the columns that name an actor."""
    return f"{role}:{actor_id}"


def parse_actor_name(text: str) -> ActorName:
    """Split `role:id`; without a colon the id is empty."""
    role, _, actor_id = text.partition(":")
    return ActorName(role, actor_id)
