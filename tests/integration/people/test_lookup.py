"""A user is named by the id or by a name of one user only, or refused with those who are near."""

import pytest
from sqlalchemy import Engine

from models.refusals import Refused
from services.people.lookup import find_user


@pytest.mark.parametrize("typed", ["2024-fujian", "福建省广播电视局", "2024-FUJIAN"])
def test_a_user_is_named_by_id_or_name(engine: Engine, season: str, typed: str) -> None:
    del season
    assert find_user(engine, typed) == "2024-fujian"


@pytest.mark.parametrize("typed", ["fujian", "福建", "2024-fujan"])
def test_who_names_none_gets_those_who_are_near(engine: Engine, season: str, typed: str) -> None:
    del season
    with pytest.raises(Refused, match="unknown_user") as refused:
        find_user(engine, typed)
    assert "2024-fujian（福建省广播电视局）" in refused.value.message


def test_who_is_near_to_nobody_gets_some(engine: Engine, season: str) -> None:
    del season
    with pytest.raises(Refused, match="unknown_user") as refused:
        find_user(engine, "没有这个人")
    assert "是否其中之一：2024-" in refused.value.message
