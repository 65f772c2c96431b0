"""A season as commits need it: its programme, its calendar, its dates."""

import time
from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Connection, select

from models.dates.working_days import WorkingDays
from models.programme.definition import Programme
from models.refusals import Refused
from models.tables import CalendarDay, Season, table_of

_SEASONS, _DAYS = table_of(Season).c, table_of(CalendarDay).c

CALENDAR_TTL_SECONDS = 30.0
"""How long a worker may plan reminders on working days that were edited since."""


class SeasonCache:
    """Programmes and working days, kept in memory: they are large and rarely change."""

    def __init__(self) -> None:
        """Start empty."""
        self._programmes: dict[str, Programme] = {}
        self._calendar: WorkingDays | None = None
        self._calendar_until = 0.0

    def programme(self, connection: Connection, season_id: str) -> Programme:
        """Return the programme of a season; it never changes once the season is open.

        Raises:
            Refused: There is no such season.
        """
        found = self._programmes.get(season_id)
        if found is None:
            stored = connection.scalar(select(_SEASONS.programme).where(_SEASONS.id == season_id))
            if stored is None:
                raise Refused("unknown_season", f"没有征集季 {season_id}。")
            found = self._programmes[season_id] = Programme.model_validate(stored)
        return found

    def calendar(self, connection: Connection) -> WorkingDays:
        """Return the working days on record, at most half a minute old."""
        found = self._calendar  # another thread may forget it meanwhile
        if found is None or time.monotonic() > self._calendar_until:
            found = self._calendar = read_calendar(connection)
            self._calendar_until = time.monotonic() + CALENDAR_TTL_SECONDS
        return found

    def forget_calendar(self) -> None:
        """Read the working days again at the next look."""
        self._calendar = None


def read_calendar(connection: Connection) -> WorkingDays:
    """Return the working days on record. A year counts only when all its days are there."""
    found = connection.execute(select(_DAYS.day, _DAYS.working))
    days: dict[date, bool] = {day: working for day, working in found}  # noqa: C416 - dict() knows no rows
    return WorkingDays(days=days, years=frozenset(_whole_years(days)))


def _whole_years(days: Mapping[date, bool]) -> set[int]:
    counts: dict[int, int] = {}
    for day in days:
        counts[day.year] = counts.get(day.year, 0) + 1
    return {
        year
        for year, count in counts.items()
        if count == (date(year + 1, 1, 1) - date(year, 1, 1)) // timedelta(days=1)
    }
