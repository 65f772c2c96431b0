"""A season's milestones as real instants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from models.dates.pace import Pace


@dataclass(frozen=True)
class SeasonDates:
    """A season's milestones, parsed once from the columns of its row.

    Attributes:
        milestones: Name → real instant (exclusive end; `opens` and `notice_start` begin).
        pace: Maps the season's civil time to real instants.
    """

    milestones: Mapping[str, datetime]
    pace: Pace

    @classmethod
    def of(cls, milestones: Mapping[str, str], anchor: datetime, seconds_per_day: float) -> Self:
        """Parse a season's columns.

        Args:
            milestones: Name → civil instant in ISO 8601.
            anchor: The instant that is the same in civil and in real time.
            seconds_per_day: Real seconds of one civil day.
        """
        pace = Pace(anchor=anchor, seconds_per_day=seconds_per_day)
        instants = {
            name: pace.real(datetime.fromisoformat(civil)) for name, civil in milestones.items()
        }
        return cls(instants, pace)
