"""The activity of the nightly comparison of the stores."""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy import Engine
from temporalio import activity

from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.reconcile.differences import ReconcileReport
from services.reconcile.runs import reconcile
from workflows import names

log = structlog.get_logger(__name__)


class ReconcileActivities:
    """What `ReconcileWorkflow` asks for.

    Args:
        engine: The record.
        reconciler: What compares.
        milestones: The movable dates of seasons.
        prepare: Done before each comparison, e.g. making sure that the streams exist.
    """

    def __init__(
        self,
        engine: Engine,
        reconciler: Reconciler,
        milestones: Milestones,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self._engine, self._reconciler, self._milestones = engine, reconciler, milestones
        self._prepare = prepare

    @activity.defn(name=names.RECONCILE)
    async def reconcile(self) -> int:
        """Compare and repair forward; return how many differences are left."""
        await self._prepare()
        report = await reconcile(self._engine, self._reconciler, self._milestones)
        _log(report)
        return report.unrepaired


def _log(report: ReconcileReport) -> None:
    for found in report.differences:
        alarm = not found.repaired or found.kind == "workflow_missing"
        say = partial(log.error, alarm=True) if alarm else log.info
        event = "records_repaired" if found.repaired else "records_differ"
        say(event, kind=found.kind, case_id=found.case_id)
    log.info("records_compared", cases=report.cases, differences=len(report.differences))
