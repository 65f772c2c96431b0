"""What is due on a case and when: its deadline, and the reminders before it.

Instants are absolute, so that a workflow needs one timer, for the earliest of them. A
moved deadline makes new items with new ids, and the old items are gone.
"""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from models.dates.pace import Pace
from models.dates.working_days import WorkingDays, reminder_instants
from models.programme.reminders import Reminders
from models.refusals import Refused

_STAMP = "%Y%m%dT%H%M%S.%f"
AT_DEADLINE = 0
"""The offset of the item that stands at the deadline itself."""


class AgendaItem(BaseModel):
    """One thing to do at one instant.

    Attributes:
        id: Says which deadline and which offset, so that it is done once for ever.
        at: When.
        deadline: The deadline that it is about.
        offset: Working days before the deadline; 0 is the deadline itself.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    at: datetime
    deadline: datetime
    offset: int


class Agenda(BaseModel):
    """The items ahead; `blocked_by` says why no reminders could be planned."""

    model_config = ConfigDict(frozen=True)

    items: tuple[AgendaItem, ...] = ()
    blocked_by: str | None = None

    def next_due(self, now: datetime) -> AgendaItem | None:
        """Return the item to do first; None when nothing is planned.

        If several are due already (after downtime) only the last counts: one message
        catches up instead of a flood.
        """
        due = [item for item in self.items if item.at <= now]
        if due:
            return max(due, key=lambda item: item.at)
        return min(self.items, key=lambda item: item.at, default=None)

    def without(self, done: AgendaItem) -> "Agenda":
        """Return the agenda without `done` and the earlier items of the same deadline."""
        left = tuple(i for i in self.items if i.at > done.at or i.deadline != done.deadline)
        return self.model_copy(update={"items": left})


def plan(
    deadline: datetime | None,
    now: datetime,
    *,
    reminders: Reminders,
    working_days: WorkingDays,
    pace: Pace,
) -> Agenda:
    """Plan the reminders before a deadline, and the deadline itself.

    Args:
        deadline: When it is due, a real instant; None: nothing is.
        now: A reminder that would lie before this instant is not planned.
        reminders: How many working days before, and at what time of the day.
        working_days: Which days are working days. A year without data plans no reminders and says
            why in `blocked_by`; the deadline stands all the same.
        pace: Maps the season's civil time, in which days count, to real instants.
    """
    if deadline is None:
        return Agenda()
    items, blocked = [_item(deadline, deadline, AT_DEADLINE)], None
    try:
        planned = reminder_instants(
            pace.civil(deadline), reminders.working_days, working_days, at=reminders.at
        )
    except Refused as refused:
        planned, blocked = {}, refused.message
    for offset, civil in planned.items():
        at = pace.real(civil)
        if now < at < deadline:
            items.append(_item(at, deadline, offset))
    return Agenda(items=tuple(sorted(items, key=lambda item: item.at)), blocked_by=blocked)


def deadline_of(update_id: str) -> datetime | None:
    """Return the deadline (UTC) whose item the clock acted on; None: it was somebody else.

    Args:
        update_id: The update id of a line of history; the clock's end with an item's id.
    """
    stamp = update_id.rpartition(":")[2].partition("/")[0]
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _item(at: datetime, deadline: datetime, offset: int) -> AgendaItem:
    stamp = deadline.strftime(_STAMP)
    return AgendaItem(id=f"{stamp}/T-{offset}", at=at, deadline=deadline, offset=offset)
