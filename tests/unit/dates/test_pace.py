"""A fast season keeps its civil distances, and nothing in it comes early."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.dates.pace import Pace
from models.refusals import Refused

OPENING = datetime(2024, 3, 25, tzinfo=UTC)
DAY = timedelta(days=1)

paces = st.builds(Pace, anchor=st.just(OPENING), seconds_per_day=st.floats(0.01, 86_400))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
near = st.timedeltas(timedelta(minutes=-10), timedelta(hours=1)).map(
    lambda passed: OPENING + passed
)


def test_half_a_second_a_day() -> None:
    pace = Pace.parse("1d=0.5", OPENING)

    assert pace.real(OPENING + 48 * DAY) == OPENING + timedelta(seconds=24)
    assert pace.civil(OPENING + timedelta(seconds=24)) == OPENING + 48 * DAY


def test_the_anchor_is_the_same_in_both() -> None:
    pace = Pace(anchor=OPENING, seconds_per_day=2)

    assert (pace.civil(OPENING), pace.real(OPENING)) == (OPENING, OPENING)


def test_the_real_pace_changes_nothing() -> None:
    pace = Pace(anchor=OPENING)

    assert (pace.civil(OPENING + DAY), pace.real(OPENING + DAY)) == (OPENING + DAY, OPENING + DAY)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8))])
@pytest.mark.parametrize("seconds", [1, 86_400])
def test_answers_are_utc_whatever_was_asked(zone: timezone, seconds: float) -> None:
    pace = Pace(anchor=OPENING.astimezone(zone), seconds_per_day=seconds)
    asked = (OPENING + DAY).astimezone(zone)

    assert {pace.anchor.tzinfo, pace.civil(asked).tzinfo, pace.real(asked).tzinfo} == {UTC}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1d=0.5", 0.5), ("1d=86400", 86_400), (" 1d=30s ", 30), ("1d=0.01", 0.01)],
)
def test_parses(text: str, seconds: float) -> None:
    assert Pace.parse(text, OPENING) == Pace(anchor=OPENING, seconds_per_day=seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0.5", "1d", "1d=", "1d=0", "1d=-1", "1d=nan", "1d=inf", "1d=1e3"),
        *("2d=1", "1d=0.001", "1d=86401", "1d=1 2", "1d=１"),
    ],
)
def test_refuses_what_is_no_pace(text: str) -> None:
    with pytest.raises(Refused) as refused:
        Pace.parse(text, OPENING)

    assert refused.value.code == "pace_invalid"
    assert "1d=0.5" in refused.value.message


def test_needs_an_aware_anchor() -> None:
    with pytest.raises(ValidationError):
        Pace(anchor=datetime(2024, 3, 25))  # noqa: DTZ001 - that is what is refused


@given(paces, instants)
def test_a_civil_instant_is_never_reached_early(pace: Pace, civil: datetime) -> None:
    overshoot = pace.civil(pace.real(civil)) - civil

    # one microsecond of real time is this much civil time
    assert timedelta() <= overshoot <= timedelta(microseconds=86_400 / pace.seconds_per_day + 1)


@given(paces, near)
def test_round_trip_of_a_real_instant(pace: Pace, real: datetime) -> None:
    assert abs(pace.real(pace.civil(real)) - real) <= timedelta(microseconds=1)


@given(paces, near, near)
def test_keeps_the_order(pace: Pace, one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))

    assert pace.civil(earlier) <= pace.civil(later)
    assert pace.real(earlier) <= pace.real(later)


def test_a_fast_season_left_alone_for_years_does_not_leave_the_calendar() -> None:
    pace = Pace(anchor=OPENING, seconds_per_day=0.01)

    assert pace.civil(OPENING + 3650 * DAY).year == 9998
    assert pace.civil(OPENING - 3650 * DAY).year == 2


def test_survives_json() -> None:
    pace = Pace.parse("1d=0.5", OPENING)

    assert Pace.model_validate_json(pace.model_dump_json()) == pace
