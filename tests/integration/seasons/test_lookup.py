"""Seasons, bodies and categories are named as people name them, or refused with the choices."""

import pytest
from sqlalchemy import Engine

from models import tables
from models.refusals import Refused
from models.store.engine import transaction
from models.text.names import folded
from services.seasons.lookup import (
    find_body,
    find_category,
    find_milestone,
    find_season,
    find_unit,
)
from tests.factories import OPENS, programme


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


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("cutoff", "cutoff"),
        ("申报推荐截止", "cutoff"),
        ("申报推荐", "cutoff"),
        (" Formal Check", "formal_check"),
        ("公示开始", "notice_start"),
        ("开始", "开始"),
    ],
)
def test_a_milestone_is_named_by_its_name_or_in_words(typed: str, name: str) -> None:
    assert find_milestone(typed) == name


def test_a_unit_is_named_by_its_id_the_beginning_of_it_or_its_name(
    engine: Engine, season: str
) -> None:
    units = {"unit_A1": "甲公司（示例）", "unit_A2": "乙公司（示例）", "unit_A20": "丙"}
    with transaction(engine) as connection:
        for each, name in units.items():
            connection.execute(
                tables.unit.insert(),
                {"id": each, "season_id": season, "name": name, "name_key": folded(name),
                 "created_at": OPENS},
            )  # fmt: skip

    for typed in ("unit_A1", "unit_a1", "a1", "甲公司(示例)", " 甲公司（示例）"):
        assert find_unit(engine, typed, season) == "unit_A1"
    assert find_unit(engine, "unit_A2", season) == "unit_A2"
    assert find_unit(engine, "丙", season) == "unit_A20"  # its whole name
    with pytest.raises(Refused, match=r"ambiguous_unit.*甲公司（示例）.*乙公司"):
        find_unit(engine, "unit_a", season)
    for none in ("丙公司", "%", "", "unit_", "unit_A1 x"):
        with pytest.raises(Refused, match=r"(unknown|ambiguous)_unit"):
            find_unit(engine, none, season)
