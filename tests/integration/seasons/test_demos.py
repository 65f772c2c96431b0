"""Demonstrations are named as such, stay out of lists, and can be put away."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from models.cases.states import State
from services.cases.queries import CaseFilter, count_cases, list_cases
from services.demo.cleaning import clean_demos
from services.demo.samples import open_demo_season
from services.seasons.queries import list_seasons, show_season
from tests.factories import make_case, programme

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
DEMO = "demo-abcd1234"


def cases(engine: Engine, wanted: CaseFilter) -> set[str]:
    return {each.id for each in list_cases(engine, wanted).items}


def test_a_demonstration_is_named_and_stays_out_of_lists(engine: Engine, season: str) -> None:
    open_demo_season(engine, programme(), DEMO)
    real = make_case(engine, season=season)
    shown = make_case(engine, season=DEMO)

    assert "【演示】" in show_season(engine, DEMO).title
    assert "【演示】" not in show_season(engine, season).title
    assert [each.id for each in list_seasons(engine)] == [season]
    assert {each.id for each in list_seasons(engine, demos=True)} == {season, DEMO}
    assert cases(engine, CaseFilter()) == cases(engine, CaseFilter(season=season)) == {real}
    assert cases(engine, CaseFilter(season=DEMO)) == {shown}
    assert cases(engine, CaseFilter(demos=True)) == {real, shown}
    assert sum(each.cases for each in count_cases(engine, CaseFilter())) == 1


def test_cleaning_archives_demonstrations_and_nothing_else(engine: Engine, season: str) -> None:
    open_demo_season(engine, programme(), DEMO)
    make_case(engine, season=season)
    running = make_case(engine, season=DEMO, state=State.PROVINCE_REVIEW)

    cleaned = clean_demos(engine, NOW)

    assert (cleaned.seasons, cleaned.cases, cleaned.running) == ([DEMO], 1, 1)
    assert [each.id for each in list_seasons(engine)] == [season]
    assert cases(engine, CaseFilter(season=DEMO)) == {running}  # the record keeps all
    assert clean_demos(engine, NOW).seasons == []
