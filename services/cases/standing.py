"""Where a case stands, as its workflow starts from the record."""

from datetime import datetime

from sqlalchemy import Engine

from models.cases.messages import Standing
from models.cases.outlook import CaseDates, outlook
from models.cases.states import State
from models.store.engine import reading
from services.cases.rows import read_case, recent_lines
from services.seasons.cache import SeasonCache


def read_standing(engine: Engine, cache: SeasonCache, case_id: str, now: datetime) -> Standing:
    """Return where a case stands.

    Args:
        engine: The record.
        cache: Its working days are read anew: what was just entered counts at once.
        case_id: Which case.
        now: Reminders before this instant are not planned.

    Raises:
        Refused: `unknown_case`.
    """
    cache.forget_working_days()
    with reading(engine) as connection:
        case = read_case(connection, case_id)
        programme = cache.programme(connection, case["season_id"])
        working_days = cache.working_days(connection)
        return Standing(
            case_id=case_id,
            season=case["season_id"],
            body=case["body_id"],
            state=State(case["state"]),
            seq=case["seq"],
            since=case["since"],
            recent=recent_lines(connection, case_id),
            outlook=outlook(case, CaseDates.of(case), programme, working_days, now),
        )
