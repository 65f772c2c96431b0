"""The years whose working days are known: list them, enter one, find those that are missing."""

import asyncio
from datetime import date
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from models import tables
from models.cases.states import ENDED
from models.dates.arrangement import Arrangement
from models.dates.pace import Pace
from models.dates.working_days import last_day
from models.store.engine import reading, transaction
from services.cases.service import CaseService

ENTERED = "operator"
"""The source of days that were entered by a command."""


def years(engine: Engine) -> list[dict[str, Any]]:
    """Return the years on record: year, days, working days, source."""
    found: dict[tuple[int, str], list[bool]] = {}
    columns = tables.calendar_day.c
    with reading(engine) as connection:
        for row in connection.execute(select(columns.day, columns.working, columns.source)):
            found.setdefault((row.day.year, row.source), []).append(row.working)
    return [
        {"year": year, "days": len(days), "working": sum(days), "source": source}
        for (year, source), days in sorted(found.items())
    ]


async def enter_year(
    engine: Engine, service: CaseService, year: int, arrangement: Arrangement
) -> int:
    """Put a year on record in place of what was there, and let open cases plan anew.

    Returns:
        How many cases planned anew.

    Raises:
        Refused: `calendar_invalid`: a date lies outside the year, or is in both lists.
    """
    open_cases = await asyncio.to_thread(_replace_year, engine, year, arrangement)
    await service.catch_up_each(open_cases)
    return len(open_cases)


def uncovered(engine: Engine) -> list[int]:
    """Return the years in which open cases have deadlines and no working days are known.

    These are years of the season's civil time, in which reminders are counted: a rehearsal
    may reach January in November.
    """
    cases, seasons = tables.case_record.c, tables.season.c
    query = (
        select(cases.deadline, seasons.anchor, seasons.seconds_per_day)
        .join(tables.season, seasons.id == cases.season_id)
        .where(cases.state.not_in([*ENDED]), cases.deadline.is_not(None))
        .distinct()
    )
    with reading(engine) as connection:
        needed = {
            last_day(Pace(anchor=anchor, seconds_per_day=pace).civil(deadline)).year
            for deadline, anchor, pace in connection.execute(query)
        }
    return sorted(needed - {known["year"] for known in years(engine)})


def _replace_year(engine: Engine, year: int, arrangement: Arrangement) -> list[str]:
    """Write the days of a year; return the open cases."""
    days = tables.calendar_day
    rows = [
        {"day": day, "working": working, "source": ENTERED}
        for day, working in arrangement.days(year).items()
    ]
    cases = tables.case_record.c
    of_year = days.c.day.between(date(year, 1, 1), date(year, 12, 31))
    with transaction(engine) as connection:
        connection.execute(delete(days).where(of_year))
        connection.execute(insert(days), rows)
        return list(connection.scalars(select(cases.id).where(cases.state.not_in([*ENDED]))))
