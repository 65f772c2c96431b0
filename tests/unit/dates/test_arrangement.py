"""A year's arrangement says of each day whether it is a working day."""

from datetime import date

import pytest

from models.dates.arrangement import Arrangement
from models.refusals import Refused

TEXT = """
holidays = [2027-01-01, 2027-02-06]
workdays = [2027-02-07]
"""


def test_each_day_of_the_year_is_said() -> None:
    days = Arrangement.from_toml(TEXT).days(2027)
    assert (len(days), min(days), max(days)) == (365, date(2027, 1, 1), date(2027, 12, 31))
    assert not days[date(2027, 1, 1)]  # a Friday off
    assert days[date(2027, 2, 7)]  # a Sunday that is worked
    assert not days[date(2027, 2, 14)]  # a Sunday
    assert days[date(2027, 2, 8)]  # a Monday


@pytest.mark.parametrize("year", [2000, 2024, 9999])
def test_leap_years_and_the_last_year_are_whole(year: int) -> None:
    days = Arrangement(holidays=()).days(year)
    assert len(days) == (366 if year in (2000, 2024) else 365)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("holidays = [2026-12-31]", "日期 2026-12-31 不在 2027 年。"),
        ("holidays = []\nworkdays = [2028-01-01]", "日期 2028-01-01 不在 2027 年。"),
        ("holidays = [2027-01-02]\nworkdays = [2027-01-02]", "日期 2027-01-02 既放假又上班。"),
    ],
)
def test_a_wrong_date_is_named(text: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        Arrangement.from_toml(text).days(2027)
    assert (refused.value.code, refused.value.message) == ("calendar_invalid", message)


def test_a_wrong_file_is_refused() -> None:
    with pytest.raises(Refused, match="calendar_invalid"):
        Arrangement.from_toml("feast = []")
