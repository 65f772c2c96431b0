"""Working days follow the State Council's arrangement; an unknown year is refused."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dates.working_days import WorkingDays, last_day, reminder_instants
from models.refusals import Refused
from tests.working_days import official_working_days

BEIJING = ZoneInfo("Asia/Shanghai")
WORKING_DAYS = official_working_days()
known_days = st.dates(date(2022, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        (date(2021, 11, 19), 5, date(2021, 11, 26)),
        (date(2022, 9, 26), 5, date(2022, 10, 8)),
        (date(2024, 4, 25), 5, date(2024, 5, 6)),
        (date(2025, 9, 26), 5, date(2025, 10, 10)),
        (date(2024, 7, 8), 5, date(2024, 7, 15)),
        (date(2024, 5, 10), 1, date(2024, 5, 11)),
        (date(2024, 5, 12), 0, date(2024, 5, 12)),
        (date(2023, 12, 29), 1, date(2024, 1, 2)),
    ],
)
def test_adds_working_days(day: date, n: int, expected: date) -> None:
    assert WORKING_DAYS.add_working_days(day, n) == expected


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        (date(2024, 5, 12), 1, date(2024, 5, 11)),
        (date(2024, 5, 12), 3, date(2024, 5, 9)),
        (date(2024, 5, 12), 7, date(2024, 4, 30)),
        (date(2022, 10, 8), 5, date(2022, 9, 26)),
        (date(2024, 1, 2), 1, date(2023, 12, 29)),
    ],
)
def test_subtracts_working_days(day: date, n: int, expected: date) -> None:
    assert WORKING_DAYS.subtract_working_days(day, n) == expected


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2024, 5, 11), True),
        (date(2024, 5, 12), False),
        (date(2022, 10, 8), True),
        (date(2024, 5, 1), False),
    ],
)
def test_make_up_days_work_and_holidays_do_not(day: date, works: bool) -> None:
    assert WORKING_DAYS.is_working(day) is works


def test_exceptions_alone_say_the_same_as_all_days() -> None:
    exceptions = {
        day: works for day, works in WORKING_DAYS.days.items() if works != (day.weekday() < 5)
    }

    thin = WorkingDays(exceptions, WORKING_DAYS.years)

    assert [thin.is_working(day) for day in WORKING_DAYS.days] == list(WORKING_DAYS.days.values())


@pytest.mark.parametrize(
    "ask",
    [
        lambda: WORKING_DAYS.is_working(date(2027, 1, 4)),
        lambda: WORKING_DAYS.add_working_days(date(2026, 12, 30), 5),
        lambda: WORKING_DAYS.subtract_working_days(date(2021, 1, 4), 2),
        lambda: WorkingDays().is_working(date(2024, 5, 10)),
        lambda: WorkingDays({date(2024, 5, 10): True}).is_working(date(2024, 5, 10)),
    ],
)
def test_a_year_without_data_is_refused(ask: object) -> None:
    assert callable(ask)

    with pytest.raises(Refused) as refused:
        ask()

    assert refused.value.code == "calendar_year_missing"


def test_the_refusal_names_the_year_and_the_way_to_enter_it() -> None:
    with pytest.raises(Refused, match=r"2027 年.*tuixuan calendar set 2027 --from FILE"):
        WORKING_DAYS.is_working(date(2027, 1, 4))


def test_a_negative_number_of_days_is_an_error() -> None:
    with pytest.raises(ValueError, match="-1"):
        WORKING_DAYS.add_working_days(date(2024, 5, 10), -1)


@given(known_days, st.integers(1, 60))
def test_a_sum_is_a_working_day_with_as_many_between(day: date, n: int) -> None:
    end = WORKING_DAYS.add_working_days(day, n)

    between = [day + timedelta(days=k) for k in range(1, (end - day).days + 1)]
    assert WORKING_DAYS.is_working(end)
    assert sum(map(WORKING_DAYS.is_working, between)) == n


@given(known_days.filter(WORKING_DAYS.is_working), st.integers(0, 60))
def test_subtracting_undoes_adding_from_a_working_day(day: date, n: int) -> None:
    assert WORKING_DAYS.subtract_working_days(WORKING_DAYS.add_working_days(day, n), n) == day


def beijing(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BEIJING)  # type: ignore[arg-type,misc] # parts are year, month …


@pytest.mark.parametrize(
    ("deadline", "expected"),
    [
        (beijing(2024, 5, 13), date(2024, 5, 12)),
        (beijing(2024, 5, 13).astimezone(UTC), date(2024, 5, 12)),
        (beijing(2024, 5, 13) + timedelta(seconds=9), date(2024, 5, 12)),
        (beijing(2024, 5, 12, 18), date(2024, 5, 12)),
        (beijing(2024, 5, 12, 0, 30), date(2024, 5, 12)),
    ],
)
def test_a_deadline_at_midnight_ends_the_day_before(deadline: datetime, expected: date) -> None:
    assert last_day(deadline) == expected


def test_reminders_stand_at_nine_on_working_days_before_the_last_day() -> None:
    reminders = reminder_instants(beijing(2024, 5, 13), (7, 3, 1), WORKING_DAYS)

    assert reminders == {
        7: beijing(2024, 4, 30, 9),
        3: beijing(2024, 5, 9, 9),
        1: beijing(2024, 5, 11, 9),
    }
    assert {at.tzinfo for at in reminders.values()} == {UTC}


def test_zone_and_time_of_day_of_reminders_are_settings() -> None:
    kashgar = ZoneInfo("Asia/Urumqi")
    deadline = datetime(2024, 5, 11, tzinfo=kashgar)

    reminders = reminder_instants(deadline, (1,), WORKING_DAYS, kashgar, time(18, 30))

    assert reminders == {1: datetime(2024, 5, 9, 18, 30, tzinfo=kashgar)}


def test_reminders_that_reach_into_an_unknown_year_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        reminder_instants(beijing(2027, 1, 5), (1,), WORKING_DAYS)

    assert refused.value.code == "calendar_year_missing"
