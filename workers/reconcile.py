"""The reconcile worker: it compares the records each night, and after an unclean stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine
from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.worker import Worker

from models.stream.names import ADVISORIES
from services.cases.service import CaseService
from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.reconcile.runs import reconcile
from services.stream.advisories import take_up
from workers.cases.worker import sandbox
from workers.stream.connection import ensure_streams
from workflows import names
from workflows.reconcile import ReconcileWorkflow

NIGHTLY = ScheduleSpec(
    calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(3)])], time_zone_name="Asia/Shanghai"
)

log = structlog.get_logger(__name__)


class Reconciling:
    """The activity."""

    def __init__(self, engine: Engine, audit: Engine, client: Client, js: JetStreamContext) -> None:
        """Take the four."""
        service = CaseService(engine, client)
        self._engine, self._js = engine, js
        self._reconciler = Reconciler(engine, audit, service, js)
        self._calendar = Milestones(engine, service)

    @activity.defn(name=names.RECONCILE)
    async def reconcile(self) -> int:
        """Compare, repair forward; return how many differences are left."""
        await ensure_streams(self._js)
        await take_up(self._engine, self._js, ADVISORIES)
        report = await reconcile(self._engine, self._reconciler, self._calendar)
        left = [found for found in report.differences if not found.repaired]
        for found in report.differences:
            say = log.info if found.repaired else partial(log.error, alarm=True)
            event = "records_repaired" if found.repaired else "records_differ"
            say(event, kind=found.kind, case_id=found.case_id)
        log.info("records_compared", cases=report.cases, differences=len(report.differences))
        return len(left)


@asynccontextmanager
async def serve(client: Client, reconciling: Reconciling, unclean: Path) -> AsyncIterator[None]:
    """Serve the comparison, have it started each night, and now after an unclean stop.

    Args:
        client: Temporal's.
        reconciling: The activity.
        unclean: A file that lies there after an unclean stop; it is removed.
    """
    worker = Worker(
        client,
        task_queue=names.RECONCILE_QUEUE,
        workflows=[ReconcileWorkflow],
        activities=[reconciling.reconcile],
        workflow_runner=sandbox(),
    )
    async with worker:
        handle = await ensure_schedule(client)
        if await asyncio.to_thread(unclean.exists):
            log.warning("comparing_after_unclean_stop")
            # One that was under way then has nobody at work, and would keep this one waiting.
            await handle.trigger(overlap=ScheduleOverlapPolicy.TERMINATE_OTHER)
            await asyncio.to_thread(unclean.unlink, missing_ok=True)
        yield


async def ensure_schedule(client: Client) -> ScheduleHandle:
    """Make the Schedule, or bring it to our settings; one that was paused stays paused."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            names.RECONCILE_WORKFLOW,
            id=names.RECONCILE_SCHEDULE,
            task_queue=names.RECONCILE_QUEUE,
        ),
        spec=NIGHTLY,
        policy=SchedulePolicy(catchup_window=timedelta(hours=12)),
    )
    try:
        return await client.create_schedule(names.RECONCILE_SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(names.RECONCILE_SCHEDULE)
        await handle.update(
            lambda stands: ScheduleUpdate(
                Schedule(
                    action=schedule.action,
                    spec=schedule.spec,
                    policy=schedule.policy,
                    state=stands.description.schedule.state,
                )
            )
        )
        return handle
