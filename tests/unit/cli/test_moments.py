"""Times as people type them."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from cli.frame.cells import Beginning, cell
from cli.frame.language import Language
from cli.frame.moments import parse_moment, parse_start
from models.programme.milestones import milestone_moment
from models.wording import BEIJING, brief_moment, moment
from services.clock import now


def test_a_date_as_a_deadline_ends_with_its_day_and_as_a_start_begins_with_it() -> None:
    assert parse_moment("2024-05-12") == datetime(2024, 5, 12, 16, tzinfo=UTC)
    assert parse_start("2024-05-12") == datetime(2024, 5, 11, 16, tzinfo=UTC)


def test_what_begins_begins_with_its_day_and_is_shown_so() -> None:
    opening = parse_moment("2024-05-12", begins=True)
    assert opening == parse_start("2024-05-12")
    assert moment(opening, begins=True) == "2024-05-12（周日）00:00"
    assert moment(opening) == "2024-05-11（周六）24:00"
    assert cell("at", Beginning(opening), Language.ZH, dated=True) == "2024-05-12（周日）00:00"
    assert cell("at", Beginning(opening), Language.EN, dated=True) == "2024-05-12 (Sun) 00:00"
    assert milestone_moment("notice_start", opening) == "2024-05-12（周日）00:00"
    assert milestone_moment("notice_end", opening) == "2024-05-11（周六）24:00"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024-05-12T18:00", datetime(2024, 5, 12, 10, tzinfo=UTC)),
        ("2024-05-12T18:00+00:00", datetime(2024, 5, 12, 18, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_beijings(text: str, meant: datetime) -> None:
    assert parse_start(text) == meant


def test_a_start_may_be_so_long_ago() -> None:
    before = now()
    found = parse_start("-3h")
    assert before <= found + timedelta(hours=3) <= now()


@pytest.mark.parametrize("text", ["", "last night", "+3d", "-3", "0001-01-01", "2024-13-01"])
def test_what_is_no_past_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="看不懂时间"):
        parse_start(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024-12-30（周一）24:00", datetime(2024, 12, 30, 16, tzinfo=UTC)),
        ("2024-12-30 (Mon) 24:00", datetime(2024, 12, 30, 16, tzinfo=UTC)),
        ("2024-12-30（周一）18:30", datetime(2024, 12, 30, 10, 30, tzinfo=UTC)),
        ("2024-12-30 18:30", datetime(2024, 12, 30, 10, 30, tzinfo=UTC)),
    ],
)
def test_what_tables_show_can_be_typed_back(text: str, meant: datetime) -> None:
    assert parse_moment(text) == parse_start(text) == meant


def test_what_is_shown_without_a_year_is_of_this_one() -> None:
    at = datetime.now(UTC).replace(hour=4, minute=5, second=0, microsecond=0)
    assert parse_moment(brief_moment(at, at)) == at


@pytest.mark.parametrize("text", ["2024-12-32（周一）24:00", "2024-12-30（周一）25:00"])
def test_what_no_table_shows_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="看不懂时间"):
        parse_moment(text)


@pytest.mark.parametrize(("day", "ago"), [("today", 0), ("昨日", 1), ("昨天", 1), ("yesterday", 1)])
def test_days_have_names(day: str, ago: int) -> None:
    midnight = parse_start(day).astimezone(BEIJING)
    assert (midnight.hour, midnight.minute) == (0, 0)
    assert midnight.date() == datetime.now(BEIJING).date() - timedelta(days=ago)
