"""Seasons, bodies and categories are named as people name them, or refused with the choices."""

import pytest
from sqlalchemy import Engine

from models.refusals import Refused
from services.seasons.lookup import find_body, find_category, find_season
from tests.factories import programme


@pytest.mark.parametrize("typed", ["fujian", "福建", "福建省", "福建省广播电视局", " Fujian "])
@pytest.mark.parametrize("season", ["2024", None])
def test_a_body_is_named_by_id_or_name(
    engine: Engine, season: str | None, typed: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("open_season")
    assert find_body(engine, typed, season) == "fujian"


@pytest.fixture
def open_season(season: str) -> str:
    return season


def test_a_category_is_named_by_key_or_title(engine: Engine, season: str) -> None:
    for category in programme().categories:
        assert find_category(engine, category.key, season) == category.key
        assert find_category(engine, category.title) == category.key


def test_a_season_is_named_by_id_or_title(engine: Engine, season: str) -> None:
    title = f"{programme().edition} {programme().title}"
    assert find_season(engine, season) == find_season(engine, title) == season


def test_who_names_none_gets_the_choices(engine: Engine, season: str) -> None:
    with pytest.raises(Refused, match="unknown_body") as no_body:
        find_body(engine, "atlantis", season)
    assert "“atlantis”，可选：" in no_body.value.message
    assert [
        b.id for b in programme().bodies if f"{b.id}（{b.short}）" not in str(no_body.value)
    ] == []
    with pytest.raises(Refused, match="unknown_category") as no_category:
        find_category(engine, "诗歌")
    assert programme().categories[0].title in no_category.value.message
    with pytest.raises(Refused, match="unknown_season") as no_season:
        find_season(engine, "1999")
    assert "可选：2024（" in no_season.value.message


def test_without_a_season_there_is_nothing_to_choose(engine: Engine) -> None:
    with pytest.raises(Refused, match="可选：无"):
        find_season(engine, "2024")
