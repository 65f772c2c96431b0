"""Working days; a year without data is refused, never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from models.refusals import Refused
from models.wording import BEIJING

MORNING = time(9)
"""When reminders go out, civil time."""

_DAY = timedelta(days=1)
_SATURDAY = 5
_GRACE = timedelta(minutes=1)
"""A fast clock rounds instants by some seconds: this close to midnight is midnight."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days are working days, by the State Council's yearly arrangement.

    Attributes:
        days: day → whether it is a working day. In `years`, a day that is not listed is one
            from Monday to Friday, so holidays and make-up days are enough.
        years: the years whose arrangement is known; days of other years are refused.
    """

    days: Mapping[date, bool] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    def is_working(self, day: date) -> bool:
        """Return whether `day` is a working day.

        Raises:
            Refused: `calendar_year_missing`: its year has no data.
        """
        if day.year not in self.years:
            raise Refused(
                "calendar_year_missing",
                f"没有 {day.year} 年的工作日安排，无法推算；请按国务院公布的放假安排录入："
                f"tuixuan calendar set {day.year} --from FILE",
            )
        return self.days.get(day, day.weekday() < _SATURDAY)

    def add_working_days(self, day: date, n: int) -> date:
        """Return the `n`-th working day after `day`; `day` itself when `n` is 0.

        Raises:
            Refused: `calendar_year_missing`.
            ValueError: when `n` is negative.
        """
        return self._step(day, n, _DAY)

    def subtract_working_days(self, day: date, n: int) -> date:
        """Return the `n`-th working day before `day`; `day` itself when `n` is 0.

        Raises:
            Refused: `calendar_year_missing`.
            ValueError: when `n` is negative.
        """
        return self._step(day, n, -_DAY)

    def _step(self, day: date, n: int, step: timedelta) -> date:
        if n < 0:
            message = f"working days must not be negative: {n}"
            raise ValueError(message)
        while n > 0:
            day += step
            n -= self.is_working(day)
        return day


def last_day(deadline: datetime, tz: tzinfo = BEIJING) -> date:
    """Return the civil day that `deadline`, an exclusive instant, ends.

    2024-05-13T00:00 in Beijing ends 2024-05-12; 2024-05-12T18:00 ends its own day.
    """
    return (deadline.astimezone(tz) - _GRACE).date()


def reminder_instants(
    deadline: datetime,
    offsets: Sequence[int],
    working_days: WorkingDays,
    tz: tzinfo = BEIJING,
    at: time = MORNING,
) -> dict[int, datetime]:
    """Return when to remind before a deadline: offset → instant (UTC).

    Args:
        deadline: the exclusive instant, aware; at midnight it ends the day before.
        offsets: working days before the deadline's last day, e.g. (7, 3, 1).
        working_days: which days are working days.
        tz: the civil time zone in which days count.
        at: the civil time of day of every reminder.

    Raises:
        Refused: `calendar_year_missing`.
    """
    last = last_day(deadline, tz)
    days = {offset: working_days.subtract_working_days(last, offset) for offset in offsets}
    return {offset: datetime.combine(day, at, tz).astimezone(UTC) for offset, day in days.items()}
