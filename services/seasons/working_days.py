"""The working days on record, as seasons need them: read, and entered where they are published."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

import chinese_calendar
from sqlalchemy import Connection, and_, extract, func, insert, or_, select

from models import tables
from models.dates.working_days import WorkingDays

PUBLISHED_SOURCE = "chinesecalendar"
FIRST_PUBLISHED_YEAR = 2019


_days = tables.calendar_day.c
_WEEKDAY = extract("dow", _days.day).between(1, 5)  # from Monday to Friday
_YEAR = extract("year", _days.day)
_SIZES = select(_YEAR.label("year"), func.count().label("days")).group_by(_YEAR)
_EXCEPTIONS = select(_days.day, _days.working).where(
    or_(and_(_days.working, ~_WEEKDAY), and_(~_days.working, _WEEKDAY))
)


def read_working_days(connection: Connection) -> WorkingDays:
    """Return the working days on record. A year counts only when all its days are there.

    Only holidays and make-up days are read, some thirty a year: of the others the weekday tells.
    """
    sizes = {int(row.year): row.days for row in connection.execute(_SIZES)}
    years = {year for year, days in sizes.items() if days == _length(year)}
    exceptions = {row.day: row.working for row in connection.execute(_EXCEPTIONS)}
    return WorkingDays(days=exceptions, years=frozenset(years))


def seed_working_days(connection: Connection) -> None:
    """Enter the published working days that are not on record yet."""
    known = set(connection.scalars(select(tables.calendar_day.c.day)))
    days = [
        {"day": day, "working": working, "source": PUBLISHED_SOURCE}
        for day, working in _published_days().items()
        if day not in known
    ]
    if days:
        connection.execute(insert(tables.calendar_day), days)


def _length(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


@cache
def _published_days() -> Mapping[date, bool]:
    """Return each day that the State Council has arranged, and whether it is a working day.

    The library looks through its years for each day: it is asked once.
    """
    days: dict[date, bool] = {}
    day = date(FIRST_PUBLISHED_YEAR, 1, 1)
    while True:
        try:
            days[day] = chinese_calendar.is_workday(day)
        except NotImplementedError:  # beyond the last year that was arranged
            return days
        day += timedelta(days=1)
