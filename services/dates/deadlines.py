"""The deadlines that the dates on record give to open cases."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection

from models import tables
from models.cases.columns import Columns
from models.cases.outlook import CaseDates, deadline_due
from models.cases.states import ENDED
from models.dates.milestones import SeasonDates
from services.cases.rows import CASES_WITH_DATES

type DatedCase = tuple[Columns, datetime | None]
"""A case's columns with its body's and its season's dates, and the deadline that these give."""


def dated_cases(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[DatedCase]:
    """Yield open cases, by id; a season's milestones are parsed once.

    One statement sees cases and dates as of one instant.

    Args:
        connection: Where to read.
        conditions: Which cases.
    """
    cases = tables.case_record.c
    query = CASES_WITH_DATES.where(cases.state.not_in([*ENDED]), *conditions).order_by(cases.id)
    seasons: dict[str, SeasonDates] = {}
    for case in connection.execute(query).mappings():
        season = seasons.get(case["season_id"]) or SeasonDates.of(
            case["milestones"], case["anchor"], case["seconds_per_day"]
        )
        seasons[case["season_id"]] = season
        dates = CaseDates(season, case["body_cutoff"], case["extended_cutoff"])
        yield case, deadline_due(case, dates)
