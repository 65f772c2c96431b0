"""A comparison of the records from its beginning to its row in SQL.

The watermark is how far the last clean one looked: what changed since is compared, and all
once more when the stream, or the audit, holds fewer events than were published.
"""

import asyncio
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, insert, select, update

from models.store.engine import reading, transaction
from models.tables import ReconcileRun, table_of
from services.clock import new_id, now
from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.reconcile.differences import ReconcileReport

OVERLAP = timedelta(minutes=30)
"""A case's time is its workflow's clock, which may lie before the commit by a while."""

MOST_AT_ONCE = 50

_RUNS = table_of(ReconcileRun)


class Run(BaseModel):
    """A comparison. `finished_at`: None while it runs, and where it was cut short."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    started_at: datetime
    finished_at: datetime | None
    cases: int
    differences: int
    unrepaired: int


async def reconcile(
    engine: Engine, reconciler: Reconciler, calendar: Milestones, *, everything: bool = False
) -> ReconcileReport:
    """Compare what changed since the last clean run, repair forward, and put it on record.

    Args:
        engine: The record.
        reconciler: What compares.
        calendar: The seasons' dates: a move that was cut short goes on.
        everything: Compare every case, whenever it changed.
    """
    run_id, started = new_id("run"), now()
    watermark = await asyncio.to_thread(last_watermark, engine)
    await asyncio.to_thread(_begin, engine, run_id, started, watermark)
    for change in await asyncio.to_thread(calendar.unapplied):
        await calendar.apply(change)
    since = None if everything or await reconciler.lacks_events() else watermark
    report = await reconciler.run(since=since)
    reached = started - OVERLAP if report.ok else watermark
    await asyncio.to_thread(_end, engine, run_id, report, reached)
    return report


def last_watermark(engine: Engine) -> datetime | None:
    """Return how far the records were found to agree; None: never looked at."""
    query = (
        select(_RUNS.c.watermark)
        .where(_RUNS.c.finished_at.is_not(None))
        .order_by(_RUNS.c.started_at.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        found: datetime | None = connection.scalar(query)
    return found


def recent_runs(engine: Engine) -> list[Run]:
    """Return the last comparisons, the newest first."""
    query = select(_RUNS).order_by(_RUNS.c.started_at.desc(), _RUNS.c.id.desc())
    with reading(engine) as connection:
        return [Run.model_validate(row) for row in connection.execute(query.limit(MOST_AT_ONCE))]


def _begin(engine: Engine, run_id: str, at: datetime, watermark: datetime | None) -> None:
    row = {"id": run_id, "started_at": at, "watermark": watermark}
    counts = {"cases": 0, "differences": 0, "unrepaired": 0}
    with transaction(engine) as connection:
        connection.execute(insert(_RUNS), row | counts)


def _end(engine: Engine, run_id: str, report: ReconcileReport, watermark: datetime | None) -> None:
    values = {
        "finished_at": now(),
        "watermark": watermark,
        "cases": report.cases,
        "differences": len(report.differences),
        "unrepaired": sum(not found.repaired for found in report.differences),
    }
    with transaction(engine) as connection:
        connection.execute(update(_RUNS).where(_RUNS.c.id == run_id).values(values))
