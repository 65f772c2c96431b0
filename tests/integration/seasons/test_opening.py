"""Seasons: opened as the programme says, moved to another day, or hurried through."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from models import tables
from models.refusals import Refused
from models.store.engine import transaction
from services.dates.working_days import uncovered
from services.seasons.opening import Opening, open_season
from services.seasons.queries import list_seasons, show_season
from tests.factories import make_case, programme

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_a_season_opens_on_the_dates_of_its_programme(engine: Engine) -> None:
    season = open_season(engine, programme(), NOW)
    assert season.id == "2024"
    assert season.milestones == programme().instants()
    assert [each.id for each in list_seasons(engine)] == ["2024"]


def test_every_date_keeps_its_distance_to_another_opening_day(engine: Engine) -> None:
    plain = programme().instants()
    season = open_season(engine, programme(), NOW, Opening(starting=date(2026, 11, 23)))
    shifted = season.milestones["opens"] - plain["opens"]
    assert season.milestones == {name: at + shifted for name, at in plain.items()}


@pytest.mark.parametrize("starting", [None, date(2026, 11, 23)])
def test_a_hurried_season_begins_to_run_when_it_is_opened(
    engine: Engine, starting: date | None
) -> None:
    season = open_season(engine, programme(), NOW, Opening("fast", starting, "1d=2"))
    # 47 days and what is left of the first: 24:00 in Beijing is 16:00 UTC.
    days = timedelta(days=48, hours=6, minutes=30)
    assert season.milestones["cutoff"] == NOW + days / timedelta(days=1) * timedelta(seconds=2)
    assert season.milestones["opens"] < NOW < season.milestones["cutoff"]
    assert show_season(engine, "fast") == season


def test_a_season_opens_once_and_under_a_proper_id(engine: Engine) -> None:
    open_season(engine, programme(), NOW)
    with pytest.raises(Refused, match="season_exists"):
        open_season(engine, programme(), NOW)
    with pytest.raises(Refused, match="bad_season_id"):
        open_season(engine, programme(), NOW, Opening(season_id="二〇二四"))
    with pytest.raises(Refused, match="unknown_season"):
        show_season(engine, "2025")


@pytest.mark.parametrize(("pace", "missing"), [(None, []), ("1d=2", [2027])])
def test_a_year_is_missing_where_days_are_counted_in_it_however_fast_they_pass(
    engine: Engine, pace: str | None, missing: list[int]
) -> None:
    """At a fast pace a cutoff of January 2027 comes in November 2026."""
    season = open_season(engine, programme(), NOW, Opening("fast", date(2026, 11, 23), pace))
    cutoff = season.milestones["cutoff"] if pace else datetime(2026, 12, 31, 16, tzinfo=UTC)
    case_id = make_case(engine, season="fast")
    with transaction(engine) as connection:
        cases = tables.case_record
        connection.execute(update(cases).where(cases.c.id == case_id).values(deadline=cutoff))
    assert cutoff.year == 2026
    assert uncovered(engine) == missing
