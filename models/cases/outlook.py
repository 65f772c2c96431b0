"""What lies ahead of a case, worked out from the record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.cases.agenda import plan
from models.cases.messages import Outlook
from models.cases.states import ENDED, MILESTONE, SEALED, State
from models.dates.milestones import SeasonDates
from models.dates.working_days import WorkingDays
from models.programme.definition import Programme

NATIONAL_CUTOFF = "cutoff"


class CaseDates:
    """The dates of one case: its row, its body's cutoff, its season's milestones."""

    def __init__(self, case: Mapping[str, Any], dates: SeasonDates) -> None:
        """Take the case's columns and its body's `body_cutoff`."""
        self._case, self._dates = case, dates

    @property
    def national_cutoff(self) -> datetime:
        """When recommending ends for everybody."""
        return self._dates.milestones[NATIONAL_CUTOFF]

    @property
    def cutoff(self) -> datetime:
        """When filing ends for this case: its own, its body's or the national cutoff."""
        extended: datetime | None = self._case["extended_cutoff"]
        if extended is not None:
            return extended
        body: datetime | None = self._case["body_cutoff"]
        if body is None:
            return self.national_cutoff
        return min(self._dates.pace.real(body), self.national_cutoff)

    def deadline(self, state: State, due: datetime | None) -> datetime | None:
        """Return when what `state` awaits is due.

        Args:
            state: Where the case stands.
            due: A due date set for this case alone; it goes before the season's.
        """
        if state in ENDED:
            return None
        if due is not None:
            return due
        if state is State.DRAFT:
            return self.cutoff
        return self._dates.milestones.get(MILESTONE.get(state, ""))


def outlook(
    case: Mapping[str, Any],
    dates: SeasonDates,
    programme: Programme,
    calendar: WorkingDays,
    now: datetime,
) -> Outlook:
    """Return the outlook of a case as its row stands.

    Args:
        case: The columns of `case_record`, and `body_cutoff`.
        dates: The season's dates.
        programme: The season's programme.
        calendar: The working days.
        now: Reminders before this instant are not planned.
    """
    horizon, state = CaseDates(case, dates), State(case["state"])
    agenda = plan(
        None if case["overdue"] else case["deadline"],
        now,
        reminders=programme.reminders,
        calendar=calendar,
        pace=dates.pace,
    )
    return Outlook(
        title=case["title"],
        unit=case["unit_id"],
        category=case["category"],
        cutoff=horizon.cutoff,
        national_cutoff=horizon.national_cutoff,
        deadline=case["deadline"],
        overdue=case["overdue"],
        return_rounds=case["return_rounds"],
        agenda=agenda,
        screening=tuple(point.key for point in programme.screening),
        list_sealed=state in SEALED,
    )
