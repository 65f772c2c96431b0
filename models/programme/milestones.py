"""The dates of a call."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

from models.programme.moments import Moment, end_of, start_of
from models.programme.parts import ProgrammePart, invalid
from models.wording import moment

BEGINNINGS = frozenset({"opens", "notice_start"})
"""The milestones at which something begins; the others are the ends of something."""
_ORDER = (
    "opens",
    "cutoff",
    "formal_check",
    "expert_review",
    "oral_defense",
    "notice_start",
    "notice_end",
)


class ProgrammeMilestones(ProgrammePart):
    """The dates of a call. `opens` and `notice_start` are beginnings, all others ends.

    Attributes:
        body_review: when bodies are to have finished their review.
        cutoff: the national cutoff, by which their sealed lists must be in.
    """

    opens: Moment
    body_review: Moment
    cutoff: Moment
    formal_check: Moment
    expert_review: Moment
    oral_defense: Moment
    notice_start: Moment
    notice_end: Moment

    @property
    def opening_day(self) -> date:
        """The day on which the call opens, at whatever time."""
        return self.opens.date() if isinstance(self.opens, datetime) else self.opens

    def instants(self, zone: ZoneInfo) -> dict[str, datetime]:
        """Return every milestone as an aware UTC instant, by name."""
        return {
            name: (start_of if name in BEGINNINGS else end_of)(getattr(self, name), zone)
            for name in type(self).model_fields
        }

    def shifted(self, by: timedelta) -> Self:
        """Return the same milestones, each moved by `by`."""
        return type(self)(**{name: at + by for name, at in self})


def milestone_moment(name: str, instant: datetime) -> str:
    """Return a milestone's instant as people read it: from 00:00 on, or until 24:00."""
    return moment(instant, begins=name in BEGINNINGS)


def out_of_order(instants: Mapping[str, datetime]) -> Iterator[tuple[str, str]]:
    """Yield each two milestones of which the second lies before the first, and must not.

    Args:
        instants: What `ProgrammeMilestones.instants` returns.
    """
    for earlier, later in pairwise(_ORDER):
        if instants[earlier] > instants[later]:
            yield earlier, later
    if instants["opens"] >= instants["body_review"]:
        yield "opens", "body_review"
    if instants["body_review"] > instants["cutoff"]:
        yield "body_review", "cutoff"


def check_order(instants: Mapping[str, datetime]) -> None:
    """Raise a validation error where milestones are out of order.

    Args:
        instants: what `ProgrammeMilestones.instants` returns.
    """
    for earlier, later in out_of_order(instants):
        if "body_review" in (earlier, later):
            raise invalid("milestones.body_review 应在 opens 之后、不晚于 cutoff")
        raise invalid(f"milestones.{later} 早于 milestones.{earlier}")
