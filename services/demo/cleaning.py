"""Put demonstrations away: their seasons are archived; what they wrote stays in the record."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Engine, func, select, update

from models import tables
from models.cases.states import AT_WORK
from models.ids import DEMO_PREFIX
from models.store.engine import transaction


class CleanedDemos(BaseModel):
    """What was put away.

    Attributes:
        seasons: The ids of the seasons that were archived now.
        cases: How many cases they have, which stay in the record.
        running: How many of these have not ended, and go on.
    """

    seasons: list[str]
    cases: int
    running: int


def clean_demos(engine: Engine, now: datetime) -> CleanedDemos:
    """Archive all demonstration seasons that are not archived yet; safe to repeat."""
    season, case = tables.season.c, tables.case_record.c
    ours = season.id.like(f"{DEMO_PREFIX}%") & season.archived_at.is_(None)
    with transaction(engine) as connection:
        ids = sorted(connection.scalars(select(season.id).where(ours)))
        count = select(func.count()).where(case.season_id.in_(ids))
        cases = connection.scalar(count) or 0
        running = connection.scalar(count.where(case.state.in_(AT_WORK))) or 0
        connection.execute(update(tables.season).where(season.id.in_(ids)).values(archived_at=now))
    return CleanedDemos(seasons=ids, cases=cases, running=running)
