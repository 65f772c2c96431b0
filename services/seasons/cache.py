"""A season's programme and the working days, as commits need them: kept in memory."""

import time

from sqlalchemy import Connection

from models.dates.working_days import WorkingDays
from models.programme.definition import Programme
from services.seasons.queries import read_programme
from services.seasons.working_days import read_working_days

WORKING_DAYS_TTL_SECONDS = 30.0
"""How long a worker may plan reminders on working days that were edited since."""


class SeasonCache:
    """Programmes and working days: they are large and rarely change."""

    def __init__(self) -> None:
        self._programmes: dict[str, Programme] = {}
        self._working_days: WorkingDays | None = None
        self._expires_at = 0.0

    def programme(self, connection: Connection, season_id: str) -> Programme:
        """Return the programme of a season; it never changes once the season is open.

        Raises:
            Refused: `unknown_season`, or `programme_invalid`.
        """
        found = self._programmes.get(season_id)
        if found is None:
            found = self._programmes[season_id] = read_programme(connection, season_id)
        return found

    def working_days(self, connection: Connection) -> WorkingDays:
        """Return the working days on record, at most half a minute old."""
        found = self._working_days  # another thread may forget it meanwhile
        if found is None or time.monotonic() > self._expires_at:
            found = self._working_days = read_working_days(connection)
            self._expires_at = time.monotonic() + WORKING_DAYS_TTL_SECONDS
        return found

    def forget_working_days(self) -> None:
        """Read the working days anew the next time they are asked for."""
        self._working_days = None
