"""What lies ahead of a case, worked out from its row and its season's dates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from models.cases.agenda import plan
from models.cases.columns import Columns
from models.cases.messages import Outlook
from models.cases.states import ENDED, MILESTONE, SEALED, State
from models.dates.milestones import SeasonDates
from models.dates.working_days import WorkingDays
from models.programme.definition import Programme

NATIONAL_CUTOFF = "cutoff"
"""The milestone at which recommending ends for everybody."""


@dataclass(frozen=True)
class CaseDates:
    """The dates of one case, parsed once.

    Attributes:
        season: The milestones of its season, and the season's pace.
        body_cutoff: Its body's own cutoff, civil; None: the national one.
        extended_cutoff: The case's own cutoff, if it was given one.
    """

    season: SeasonDates
    body_cutoff: datetime | None
    extended_cutoff: datetime | None

    @classmethod
    def of(cls, case: Columns) -> Self:
        """Parse the dates of a case's row."""
        season = SeasonDates.of(case["milestones"], case["anchor"], case["seconds_per_day"])
        return cls(season, case["body_cutoff"], case["extended_cutoff"])

    @property
    def national_cutoff(self) -> datetime:
        """When recommending ends for everybody."""
        return self.season.milestones[NATIONAL_CUTOFF]

    @property
    def cutoff(self) -> datetime:
        """When filing ends for this case: its own, its body's or the national cutoff."""
        if self.extended_cutoff is not None:
            return self.extended_cutoff
        if self.body_cutoff is None:
            return self.national_cutoff
        return min(self.season.pace.real(self.body_cutoff), self.national_cutoff)

    def deadline(self, state: State, due: datetime | None) -> datetime | None:
        """Return when what `state` awaits is due.

        Args:
            state: Where the case stands.
            due: A due date set for this case alone; it wins over the season's.
        """
        if state in ENDED:
            return None
        if due is not None:
            return due
        if state is State.DRAFT:
            return self.cutoff
        return self.season.milestones.get(MILESTONE.get(state, ""))


def deadline_due(case: Columns, dates: CaseDates) -> datetime | None:
    """Return the deadline that a case's row ought to have by its dates."""
    return dates.deadline(State(case["state"]), case["due"])


def outlook(
    case: Columns,
    dates: CaseDates,
    programme: Programme,
    working_days: WorkingDays,
    now: datetime,
) -> Outlook:
    """Return the outlook of a case as its row stands; reminders before `now` are not planned."""
    agenda = plan(
        None if case["overdue"] else case["deadline"],
        now,
        reminders=programme.reminders,
        working_days=working_days,
        pace=dates.season.pace,
    )
    return Outlook(
        title=case["title"],
        unit=case["unit_id"],
        category=case["category"],
        cutoff=dates.cutoff,
        national_cutoff=dates.national_cutoff,
        deadline=case["deadline"],
        overdue=case["overdue"],
        return_rounds=case["return_rounds"],
        agenda=agenda,
        screening=tuple(point.key for point in programme.screening),
        list_sealed=case["state"] in SEALED,
        number=case["number"],
    )
