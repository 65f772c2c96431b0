"""Dates and times as a programme gives them, and the instants they stand for."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from models.programme.parts import invalid

YEARS = range(2000, 2101)
"""The years in which a call may lie."""

_ISO_DATE = len("2024-05-12")


def _moment(value: object) -> object:
    """Accept TOML's own dates and, for stored JSON, their ISO text."""
    if isinstance(value, str):
        try:
            return (
                datetime.fromisoformat(value)
                if len(value) > _ISO_DATE
                else date.fromisoformat(value)
            )
        except ValueError:
            value = None
    if not isinstance(value, date) or value.year not in YEARS:
        raise invalid("应为日期或时刻，如 2024-05-12 或 2024-05-12T18:00:00")
    return value


Moment = Annotated[datetime | date, BeforeValidator(_moment)]
"""A date (the whole day) or a time of day; without an offset it is in the programme's zone."""


def start_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which `moment` begins; a date begins at its midnight."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def end_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the exclusive UTC instant at which `moment` is over.

    A date means the whole day: it ends at the next midnight. A time ends at itself.
    """
    if not isinstance(moment, datetime):
        moment += timedelta(days=1)
    return start_of(moment, zone)
