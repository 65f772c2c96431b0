"""Seasons: open one, look at it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import chinese_calendar
from pydantic import BaseModel
from sqlalchemy import Connection, Engine, func, insert, select

from models.cases.actors import Role
from models.dates.milestones import SeasonDates
from models.dates.pace import Pace
from models.programme.definition import Programme
from models.programme.parts import end_of
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import Body, CalendarDay, CaseRecord, Season, table_of
from services.people.users import add_user

BODY = table_of(Body)
CALENDAR_DAY = table_of(CalendarDay)
CASE_RECORD = table_of(CaseRecord)
SEASON = table_of(Season)

_SEASON_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
CALENDAR_SOURCE = "chinesecalendar"
FIRST_CALENDAR_YEAR = 2019


class SeasonView(BaseModel):
    """A season. `milestones`: name → real instant (exclusive end; opens: its start)."""

    id: str
    title: str
    opened_at: datetime
    seconds_per_day: float
    milestones: dict[str, datetime]
    cases: int


@dataclass(frozen=True)
class Opening:
    """How a season is opened, where not as its programme says.

    Attributes:
        season_id: Its id; None: the programme's own.
        starting: The day on which it opens; every date keeps its distance.
        pace: `1d=SECONDS`: how fast its days pass. Without `starting` the season opens today.
    """

    season_id: str | None = None
    starting: date | None = None
    pace: str | None = None


def open_season(
    engine: Engine, programme: Programme, now: datetime, opening: Opening = Opening()
) -> SeasonView:
    """Open a season of a programme.

    Raises:
        Refused: There is a season of this id, or a date, the pace or the id is wrong.
    """
    name = opening.season_id or programme.id
    if not _SEASON_ID.fullmatch(name):
        raise Refused("bad_season_id", "征集季编号只能含小写字母、数字和 -，最多 32 个字符。")
    starting = opening.starting
    if opening.pace is not None and starting is None and _opens_on_a_day(programme):
        starting = now.astimezone(programme.zone).date()
    if starting is not None:
        programme = programme.starting(starting)
    civil = programme.instants()
    clock = _clock(programme, now, opening.pace)
    with transaction(engine) as connection:
        if connection.scalar(select(func.count()).where(SEASON.c.id == name)):
            raise Refused("season_exists", f"征集季 {name} 已经开启。")
        connection.execute(
            insert(SEASON),
            {
                "id": name,
                "title": f"{programme.edition} {programme.title}",
                "programme": programme.model_dump(mode="json"),
                "milestones": {key: at.isoformat() for key, at in civil.items()},
                "anchor": clock.anchor,
                "seconds_per_day": clock.seconds_per_day,
                "opened_at": now,
            },
        )
        connection.execute(insert(BODY), list(_bodies(programme, name)))
        for service in _shared_users(programme, name):
            add_user(connection, season_id=name, at=now, **service)
        seed_calendar(connection)
    return show_season(engine, name)


def _opens_on_a_day(programme: Programme) -> bool:
    """Whether a programme opens on a day, and not at a time of its own."""
    return not isinstance(programme.milestones.opens, datetime)


def _clock(programme: Programme, now: datetime, pace: str | None) -> Pace:
    """Return how the season's days pass.

    A rehearsal begins to run the moment it is opened, so that the hours of its first day
    that are gone already are not a season each; or at the time that its programme names.
    """
    opens = programme.instants()["opens"]
    if pace is None:
        return Pace(anchor=opens)
    return Pace.parse(pace, now if _opens_on_a_day(programme) else opens)


def show_season(engine: Engine, season_id: str) -> SeasonView:
    """Return one season.

    Raises:
        Refused: There is none of this id.
    """
    for season in list_seasons(engine):
        if season.id == season_id:
            return season
    raise Refused("unknown_season", f"没有征集季 {season_id}。")


def list_seasons(engine: Engine) -> list[SeasonView]:
    """Return all seasons, the newest first."""
    counted = (
        select(CASE_RECORD.c.season_id, func.count().label("cases"))
        .group_by(CASE_RECORD.c.season_id)
        .subquery()
    )
    query = (
        select(*SEASON.c, func.coalesce(counted.c.cases, 0).label("cases"))
        .join(counted, counted.c.season_id == SEASON.c.id, isouter=True)
        .order_by(SEASON.c.opened_at.desc())
    )
    with reading(engine) as connection:
        return [_view(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's documented name


def read_programme(connection: Connection, season_id: str) -> Programme:
    """Return the programme of a season.

    Raises:
        Refused: There is no such season.
    """
    found = connection.scalar(select(SEASON.c.programme).where(SEASON.c.id == season_id))
    if found is None:
        raise Refused("unknown_season", f"没有征集季 {season_id}（tuixuan season list）。")
    return Programme.from_json(found)


def has_seasons(engine: Engine) -> bool:
    """Return whether any season was ever opened."""
    with reading(engine) as connection:
        return bool(connection.scalar(select(func.count()).select_from(SEASON)))


def seed_calendar(connection: Connection) -> None:
    """Enter the working days that are published and not on record yet."""
    known = set(connection.scalars(select(CALENDAR_DAY.c.day)))
    days = [
        {"day": day, "working": chinese_calendar.is_workday(day), "source": CALENDAR_SOURCE}
        for day in _published_days()
        if day not in known
    ]
    if days:
        connection.execute(insert(CALENDAR_DAY), days)


def _published_days() -> Iterator[date]:
    day = date(FIRST_CALENDAR_YEAR, 1, 1)
    while True:
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:  # beyond the last year that the State Council arranged
            return
        yield day
        day += timedelta(days=1)


def _bodies(programme: Programme, season_id: str) -> Iterator[dict[str, Any]]:
    for body in programme.bodies:
        yield {
            "season_id": season_id,
            "id": body.id,
            "name": body.name,
            "kind": body.kind,
            "cutoff": None if body.cutoff is None else end_of(body.cutoff, programme.zone),
        }


def shared_user_id(season_id: str, org: str) -> str:
    """Return the user id of a body's, the organiser's or the panel's desk."""
    return f"{season_id}-{org}"


def _shared_users(programme: Programme, season_id: str) -> Iterator[dict[str, Any]]:
    """One inbox for each office; people with addresses of their own come later."""
    for body in programme.bodies:
        yield {
            "id": shared_user_id(season_id, body.id),
            "role": Role.BODY,
            "org": body.id,
            "name": body.name,
            "email": None,
        }
    for role in (Role.ORGANISER, Role.PANEL):
        yield {
            "id": shared_user_id(season_id, role),
            "role": role,
            "org": None,
            "name": str(role),
            "email": None,
        }


def _view(row: Any) -> SeasonView:  # noqa: ANN401 - the columns of season
    dates = SeasonDates.of(row["milestones"], row["anchor"], row["seconds_per_day"])
    return SeasonView(
        id=row["id"],
        title=row["title"],
        opened_at=row["opened_at"],
        seconds_per_day=row["seconds_per_day"],
        milestones=dict(dates.milestones),
        cases=row["cases"],
    )
