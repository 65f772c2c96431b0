"""Events as a consumer takes them from the stream, and which of them are in turn. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from models.cases.events import CaseEvent

FROM_RECORD = 0
"""The place in the stream of an event that was read from the record instead."""


class IncomingEvent(NamedTuple):
    """An event that came to a consumer.

    Attributes:
        event: The event.
        body: Its exact text.
        place: Its place in the stream, or `FROM_RECORD`.
    """

    event: CaseEvent
    body: str
    place: int


class InTurn(NamedTuple):
    """Some events, sorted by what was handled before; those that were handled are in neither.

    Attributes:
        next: Those that follow, each case's in order and without a gap.
        early: Those before which others of their case are missing.
    """

    next: list[IncomingEvent]
    early: list[IncomingEvent]


def in_turn(events: Iterable[IncomingEvent], handled: Mapping[str, int]) -> InTurn:
    """Sort events that came in this order.

    Args:
        events: The events.
        handled: Case → the seq of its newest event that was handled; none of a case without.
    """
    reached, sorted_ = dict(handled), InTurn([], [])
    for each in events:
        case_id, seq = each.event.data.case_id, each.event.data.seq
        expected = reached.get(case_id, 0) + 1
        if seq == expected:
            reached[case_id] = seq
            sorted_.next.append(each)
        elif seq > expected:
            sorted_.early.append(each)
    return sorted_
