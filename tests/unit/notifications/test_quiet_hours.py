from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.notifications.quiet_hours import after_quiet, is_quiet, next_at

BEIJING = ZoneInfo("Asia/Shanghai")


def at(day: int, clock: str) -> datetime:
    return datetime.combine(
        datetime(2024, 5, day, tzinfo=BEIJING), time.fromisoformat(clock), BEIJING
    )


@pytest.mark.parametrize(
    ("quiet", "asked", "leaves"),
    [
        (("21:00", "08:00"), (6, "20:59:59.999999"), (6, "20:59:59.999999")),
        (("21:00", "08:00"), (6, "21:00"), (7, "08:00")),
        (("21:00", "08:00"), (6, "23:59:59"), (7, "08:00")),
        (("21:00", "08:00"), (7, "00:00"), (7, "08:00")),
        (("21:00", "08:00"), (7, "07:59:59.999999"), (7, "08:00")),
        (("21:00", "08:00"), (7, "08:00"), (7, "08:00")),
        (("21:00", "08:00"), (31, "22:00"), (32, "08:00")),
        (("12:00", "14:00"), (6, "11:59"), (6, "11:59")),
        (("12:00", "14:00"), (6, "12:00"), (6, "14:00")),
        (("12:00", "14:00"), (6, "14:00"), (6, "14:00")),
        (("22:00", "00:00"), (6, "23:00"), (7, "00:00")),
        (("22:00", "00:00"), (7, "00:00"), (7, "00:00")),
        (("00:00", "06:00"), (7, "00:00"), (7, "06:00")),
        (("00:00", "00:00"), (6, "03:00"), (6, "03:00")),
        (("09:00", "09:00"), (6, "09:00"), (6, "09:00")),
    ],
)
def test_nothing_leaves_in_quiet_hours(
    quiet: tuple[str, str], asked: tuple[int, str], leaves: tuple[int, str]
) -> None:
    begin, end = map(time.fromisoformat, quiet)
    day, clock = leaves
    expected = at(day, clock) if day < 32 else datetime(2024, 6, 1, 8, tzinfo=BEIJING)

    assert after_quiet(at(*asked), begin, end) == expected


@pytest.mark.parametrize(
    ("asked", "day"), [("17:29", 6), ("17:30", 6), ("17:30:00.000001", 7), ("23:00", 7)]
)
def test_a_digest_leaves_the_next_time_that_the_clock_shows_its_hour(asked: str, day: int) -> None:
    assert next_at(at(6, asked), time(17, 30)) == at(day, "17:30")


@given(st.timedeltas(timedelta(0), timedelta(days=900)), st.times(), st.times())
def test_at_any_hour_it_leaves_within_a_day_outside_quiet_hours_and_never_earlier(
    after: timedelta, begin: time, end: time
) -> None:
    local = at(1, "00:00") + after
    leaves = after_quiet(local, begin, end)

    assert local <= leaves < local + timedelta(days=1)
    assert not is_quiet(leaves.time(), begin, end)
    assert leaves == local or (is_quiet(local.time(), begin, end) and leaves.time() == end)
