"""Parses times as people type them."""

import re
from datetime import UTC, date, datetime, time, timedelta

import typer

from cli.frame.words import SINCE, WHEN
from models.programme.moments import end_of, start_of
from models.wording import BEIJING

_AHEAD = re.compile(r"\+(\d{1,5})([smhd])")
_AGO = re.compile(r"-(\d{1,5})([smhd])")
_SHOWN = re.compile(r"(?:(\d{4})-)?(\d\d-\d\d) ?(?:（周.）|\([A-Z][a-z]{2}\))? ?(\d\d:\d\d)")
"""A time as tables and messages show it, e.g. 12-30（周三）24:00."""
_DAYS = {"today": 0, "今日": 0, "今天": 0, "yesterday": 1, "昨日": 1, "昨天": 1}
"""Days by name, and how many days ago each is."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_moment(text: str, *, begins: bool = False) -> datetime:
    """Return the instant (UTC) of a deadline, or of what `begins`.

    A date means its exclusive end, or its first midnight; a time without an offset is Beijing's.

    Raises:
        BadParameter: It is none of these.
    """
    ahead = _AHEAD.fullmatch(text)
    if text == "now":
        return datetime.now(UTC)
    if ahead:
        return datetime.now(UTC) + timedelta(**{_UNITS[ahead[2]]: int(ahead[1])})
    try:
        if shown := _SHOWN.fullmatch(text):
            return _instant(shown)
        whole_day = len(text) <= len("2024-05-12")
        parsed = date.fromisoformat(text) if whole_day else datetime.fromisoformat(text)
        return (start_of if begins else end_of)(parsed, BEIJING)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"看不懂时间“{text}”，可写：{WHEN}") from error


def parse_start(text: str) -> datetime:
    """Return the instant (UTC) from which something begins; a date means its first midnight.

    Raises:
        BadParameter: It is not a time.
    """
    if text in _DAYS:
        day = datetime.now(BEIJING).date() - timedelta(days=_DAYS[text])
        return datetime.combine(day, time(), BEIJING).astimezone(UTC)
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        if shown := _SHOWN.fullmatch(text):
            return _instant(shown)
        parsed = datetime.fromisoformat(text)
        whole_day = len(text) <= len("2024-05-12")
        start = datetime.combine(parsed.date(), time()) if whole_day else parsed
        return (start if start.tzinfo else start.replace(tzinfo=BEIJING)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"看不懂时间“{text}”，可写：{SINCE}") from error


def _instant(shown: re.Match[str]) -> datetime:
    """Return what a time means that was copied from a table; 24:00 is the end of its day."""
    year, day, clock = shown.groups()
    dated = date.fromisoformat(f"{year or datetime.now(BEIJING).year}-{day}")
    if clock == "24:00":
        return end_of(dated, BEIJING)
    return datetime.combine(dated, time.fromisoformat(clock), BEIJING).astimezone(UTC)
