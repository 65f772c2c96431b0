"""Read seasons: their programmes, their dates, how many cases they have."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, RowMapping, Select, func, select
from sqlalchemy.sql.elements import ColumnElement

from models import tables
from models.dates.milestones import SeasonDates
from models.ids import DEMO_PREFIX
from models.programme.definition import Programme
from models.refusals import unknown_season
from models.store.engine import reading


class SeasonView(BaseModel):
    """A season. `milestones`: name → real instant (exclusive end; opens: its start)."""

    id: str
    title: str
    opened_at: datetime
    seconds_per_day: float
    milestones: dict[str, datetime]
    cases: int


def show_season(engine: Engine, season_id: str) -> SeasonView:
    """Return one season.

    Raises:
        Refused: `unknown_season`.
    """
    with reading(engine) as connection:
        query = _with_case_counts().where(tables.season.c.id == season_id)
        found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise unknown_season(season_id)
    return _view(found)


def list_seasons(engine: Engine, *, demos: bool = False) -> list[SeasonView]:
    """Return the seasons, the newest first.

    Args:
        engine: The record.
        demos: Also demonstrations, and seasons that were archived.
    """
    query = _with_case_counts().order_by(tables.season.c.opened_at.desc())
    if not demos:
        query = query.where(*_shown())
    with reading(engine) as connection:
        return [_view(row) for row in connection.execute(query).mappings()]


def open_seasons(engine: Engine, now: datetime) -> list[SeasonView]:
    """Return the seasons whose last milestone is to come, the newest first.

    Demonstrations and archived seasons are left out: this is what the public sees.
    """
    return [each for each in list_seasons(engine) if max(each.milestones.values()) > now]


def has_seasons(engine: Engine) -> bool:
    """Return whether any season was ever opened."""
    with reading(engine) as connection:
        return bool(connection.scalar(select(func.count()).select_from(tables.season)))


def read_programme(connection: Connection, season_id: str) -> Programme:
    """Return the programme of a season.

    Raises:
        Refused: `unknown_season`, or `programme_invalid`.
    """
    query = select(tables.season.c.programme).where(tables.season.c.id == season_id)
    found = connection.scalar(query)
    if found is None:
        raise unknown_season(season_id)
    return Programme.from_json(found)


def _shown() -> tuple[ColumnElement[bool], ...]:
    """Return what is true of the seasons that lists show unless all are asked for."""
    season = tables.season.c
    return season.archived_at.is_(None), season.id.not_like(f"{DEMO_PREFIX}%")


def _with_case_counts() -> Select[Any]:
    seasons, cases = tables.season.c, tables.case_record.c
    count = select(func.count()).where(cases.season_id == seasons.id).scalar_subquery()
    names = ("id", "title", "opened_at", "seconds_per_day", "milestones", "anchor")
    return select(*(seasons[name] for name in names), count.label("cases"))


def _view(row: RowMapping) -> SeasonView:
    dates = SeasonDates.of(row["milestones"], row["anchor"], row["seconds_per_day"])
    return SeasonView.model_validate({**row, "milestones": dates.milestones})
