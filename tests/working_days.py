"""The official working days, for tests; the models themselves take day data."""

from datetime import date, timedelta

import chinese_calendar

from models.dates.working_days import WorkingDays


def official_working_days(first: int = 2021, last: int = 2026) -> WorkingDays:
    """Return every day of the years from `first` to `last`, as chinesecalendar has them."""
    start, days = date(first, 1, 1), {}
    for n in range((date(last + 1, 1, 1) - start).days):
        day = start + timedelta(days=n)
        days[day] = bool(chinese_calendar.is_workday(day))
    return WorkingDays(days, frozenset(range(first, last + 1)))
