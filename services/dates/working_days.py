"""The working days on record: which years are known, and how a year is entered."""

from datetime import date, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, delete, insert, select

from models.cases.states import ENDED
from models.dates.pace import Pace
from models.dates.working_days import last_day
from models.reading import read_toml
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import CalendarDay, CaseRecord, Season, table_of
from services.cases.service import CaseService

CALENDAR_DAY, CASES, SEASONS = table_of(CalendarDay), table_of(CaseRecord), table_of(Season)
ENTERED = "operator"
_SATURDAY = 5


class Arrangement(BaseModel):
    """A year's holidays and its weekend days that are worked, as the State Council says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holidays: tuple[date, ...]
    workdays: tuple[date, ...] = ()

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Return what a file says.

        Raises:
            Refused: `calendar_invalid`; the message names the place and the trouble.
        """
        return read_toml(cls, text, "calendar_invalid", "放假安排文件")


def years(engine: Engine) -> list[dict[str, Any]]:
    """Return the years on record: year, days, working days, source."""
    found: dict[tuple[int, str], list[bool]] = {}
    with reading(engine) as connection:
        rows = connection.execute(
            select(CALENDAR_DAY.c.day, CALENDAR_DAY.c.working, CALENDAR_DAY.c.source)
        )
        for row in rows:
            found.setdefault((row.day.year, row.source), []).append(row.working)
    return [
        {"year": year, "days": len(days), "working": sum(days), "source": source}
        for (year, source), days in sorted(found.items())
    ]


async def enter_year(
    engine: Engine, service: CaseService, year: int, arrangement: Arrangement
) -> int:
    """Put a year on record, instead of what was there, and let open cases plan again.

    Returns:
        How many cases planned again.

    Raises:
        Refused: A date lies outside the year, or stands in both lists.
    """
    _refuse(year, arrangement)
    days = [
        {"day": day, "working": _works(day, arrangement), "source": ENTERED}
        for day in (date(year, 1, 1) + timedelta(days=n) for n in range(366))
        if day.year == year
    ]
    with transaction(engine) as connection:
        connection.execute(
            delete(CALENDAR_DAY).where(
                CALENDAR_DAY.c.day.between(date(year, 1, 1), date(year, 12, 31))
            )
        )
        connection.execute(insert(CALENDAR_DAY), days)
        open_cases = connection.scalars(
            select(CASES.c.id).where(CASES.c.state.not_in([*ENDED]))
        ).all()
    await service.catch_up_each(open_cases)
    return len(open_cases)


def uncovered(engine: Engine) -> list[int]:
    """Return the years in which open cases have deadlines and no working days are known.

    Years of the season's civil time, in which reminders are counted: a rehearsal may see
    January in November.
    """
    query = (
        select(CASES.c.deadline, SEASONS.c.anchor, SEASONS.c.seconds_per_day)
        .join(SEASONS, SEASONS.c.id == CASES.c.season_id)
        .where(CASES.c.state.not_in([*ENDED]), CASES.c.deadline.is_not(None))
        .distinct()
    )
    with reading(engine) as connection:
        needed = {
            last_day(Pace(anchor=anchor, seconds_per_day=pace).civil(deadline)).year
            for deadline, anchor, pace in connection.execute(query)
        }
    return sorted(needed - {known["year"] for known in years(engine)})


def _works(day: date, arrangement: Arrangement) -> bool:
    if day in arrangement.workdays:
        return True
    return day.weekday() < _SATURDAY and day not in arrangement.holidays


def _refuse(year: int, arrangement: Arrangement) -> None:
    listed = [*arrangement.holidays, *arrangement.workdays]
    wrong = [day for day in listed if day.year != year]
    if wrong:
        raise Refused("calendar_invalid", f"日期 {wrong[0]} 不在 {year} 年。")
    both = set(arrangement.holidays) & set(arrangement.workdays)
    if both:
        raise Refused("calendar_invalid", f"日期 {min(both)} 既放假又上班。")
