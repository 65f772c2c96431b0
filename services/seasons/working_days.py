"""The working days on record, as seasons need them: read, and entered where they are published."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import chinese_calendar
from sqlalchemy import Connection, insert, select

from models import tables
from models.dates.working_days import WorkingDays

PUBLISHED_SOURCE = "chinesecalendar"
FIRST_PUBLISHED_YEAR = 2019


def read_working_days(connection: Connection) -> WorkingDays:
    """Return the working days on record. A year counts only when all its days are there."""
    columns = tables.calendar_day.c
    found = connection.execute(select(columns.day, columns.working))
    days: dict[date, bool] = {day: working for day, working in found}  # noqa: C416 - dict() knows no rows
    return WorkingDays(days=days, years=frozenset(_whole_years(days)))


def seed_working_days(connection: Connection) -> None:
    """Enter the published working days that are not on record yet."""
    known = set(connection.scalars(select(tables.calendar_day.c.day)))
    days = [
        {"day": day, "working": chinese_calendar.is_workday(day), "source": PUBLISHED_SOURCE}
        for day in _published_days()
        if day not in known
    ]
    if days:
        connection.execute(insert(tables.calendar_day), days)


def _whole_years(days: Mapping[date, bool]) -> set[int]:
    counts = Counter(day.year for day in days)
    return {
        year
        for year, count in counts.items()
        if count == (date(year + 1, 1, 1) - date(year, 1, 1)).days
    }


def _published_days() -> Iterator[date]:
    day = date(FIRST_PUBLISHED_YEAR, 1, 1)
    while True:
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:  # beyond the last year that the State Council arranged
            return
        yield day
        day += timedelta(days=1)
