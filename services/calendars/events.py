"""The deadlines that events give and end, as entries of a calendar."""

from collections.abc import Sequence
from datetime import datetime

from models.cases.events import CaseEvent
from models.cases.states import State
from models.wording import AWAITED
from services.calendars.ics import Duty


def given(event: CaseEvent, alarms: Sequence[datetime] = ()) -> list[Duty]:
    """Return the deadline that an event gives, if it gives one."""
    data = event.data
    if data.deadline is None or data.target not in AWAITED:
        return []
    return [_duty(event, data.target, data.deadline, tuple(alarms))]


def over(event: CaseEvent) -> Duty:
    """Return the deadline that an event ended, as of that event; its entry is cancelled by it."""
    return _duty(event, event.data.source, event.data.deadline_before or event.time)


def _duty(
    event: CaseEvent, state: State, deadline: datetime, alarms: tuple[datetime, ...] = ()
) -> Duty:
    data = event.data
    return Duty(
        data.case_id, state, data.title, deadline, data.seq, event.time, data.number, alarms
    )
