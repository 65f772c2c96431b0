"""Comparisons of the records, each with its row.

The watermark is how far the last clean comparison reached. The next compares what changed
since, and everything where the stream or the audit holds fewer events than were published.
"""

import asyncio
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, insert, select, update

from models import tables
from models.store.engine import reading, transaction
from services.clock import new_id, now
from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.reconcile.differences import ReconcileReport

OVERLAP = timedelta(minutes=30)
"""A case's time is its workflow's clock, which may be a while before its commit."""

MOST_AT_ONCE = 50


class Run(BaseModel):
    """A comparison. `finished_at`: None while it runs, and where it was cut short."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    started_at: datetime
    finished_at: datetime | None
    cases: int
    differences: int
    unrepaired: int
    workflows_missing: int


async def reconcile(
    engine: Engine, reconciler: Reconciler, milestones: Milestones, *, everything: bool = False
) -> ReconcileReport:
    """Compare what changed since the last clean run, repair forward, and put it on record.

    Args:
        engine: The record.
        reconciler: What compares.
        milestones: What finishes moves of milestones that were cut short.
        everything: Compare every case, whenever it changed.
    """
    run_id, started = new_id("run"), now()
    watermark = await asyncio.to_thread(last_watermark, engine)
    await asyncio.to_thread(_begin, engine, run_id, started, watermark)
    for move_id in await asyncio.to_thread(milestones.unapplied):
        await milestones.apply(move_id)
    since = None if everything or await reconciler.lacks_events() else watermark
    report = await reconciler.run(since=since)
    reached = started - OVERLAP if report.ok else watermark
    await asyncio.to_thread(_end, engine, run_id, report, reached)
    return report


def last_watermark(engine: Engine) -> datetime | None:
    """Return how far the records were found to agree; None before the first comparison."""
    runs = tables.reconcile_run.c
    query = select(runs.watermark).where(runs.finished_at.is_not(None))
    with reading(engine) as connection:
        newest = query.order_by(runs.started_at.desc()).limit(1)
        found: datetime | None = connection.scalar(newest)
    return found


def recent_runs(engine: Engine) -> list[Run]:
    """Return the last comparisons, the newest first."""
    runs = tables.reconcile_run
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    with reading(engine) as connection:
        return [Run.model_validate(row) for row in connection.execute(query.limit(MOST_AT_ONCE))]


def _begin(engine: Engine, run_id: str, at: datetime, watermark: datetime | None) -> None:
    row = {"id": run_id, "started_at": at, "watermark": watermark}
    counts = {"cases": 0, "differences": 0, "unrepaired": 0}
    with transaction(engine) as connection:
        connection.execute(insert(tables.reconcile_run), row | counts)


def _end(engine: Engine, run_id: str, report: ReconcileReport, watermark: datetime | None) -> None:
    values = {
        "finished_at": now(),
        "watermark": watermark,
        "cases": report.cases,
        "differences": len(report.differences),
        "unrepaired": report.unrepaired,
        "workflows_missing": report.workflows_missing,
    }
    runs = tables.reconcile_run
    with transaction(engine) as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))
