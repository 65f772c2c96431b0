"""A year's holidays and make-up days, as the State Council arranges them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict

from models.reading import read_toml
from models.refusals import Refused

_SATURDAY = 5


class Arrangement(BaseModel):
    """A year's holidays, and its weekend days that are worked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holidays: tuple[date, ...]
    workdays: tuple[date, ...] = ()

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Parse a file.

        Raises:
            Refused: `calendar_invalid`; the message names the place and the trouble.
        """
        return read_toml(cls, text, "calendar_invalid", "放假安排文件")

    def days(self, year: int) -> Mapping[date, bool]:
        """Return each day of a year, and whether it is a working day.

        Raises:
            Refused: `calendar_invalid`: a date lies outside the year, or is in both lists.
        """
        wrong = [day for day in (*self.holidays, *self.workdays) if day.year != year]
        if wrong:
            raise Refused("calendar_invalid", f"日期 {wrong[0]} 不在 {year} 年。")
        both = set(self.holidays) & set(self.workdays)
        if both:
            raise Refused("calendar_invalid", f"日期 {min(both)} 既放假又上班。")
        first, last = date(year, 1, 1), date(year, 12, 31)
        every = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return {day: self._is_working(day) for day in every}

    def _is_working(self, day: date) -> bool:
        if day in self.workdays:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays
