"""The reconcile worker: it compares the stores each night, and after an unclean stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from nats.js import JetStreamContext
from sqlalchemy import Engine
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

from activities.reconcile import ReconcileActivities
from models.wording import BEIJING
from services.cases.service import CaseService
from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.stream.advisories import record_advisories
from workers.cases.worker import sandbox
from workers.stream.jetstream import ensure_streams
from workflows import names
from workflows.reconcile import ReconcileWorkflow

NIGHTLY = ScheduleSpec(
    calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(3)])], time_zone_name=BEIJING.key
)

log = structlog.get_logger(__name__)


def make_activities(
    engine: Engine, audit: Engine, client: Client, js: JetStreamContext
) -> ReconcileActivities:
    """Return the activities over these connections."""
    service = CaseService(engine, client)

    async def prepare() -> None:
        await ensure_streams(js)
        await record_advisories(engine, js)

    reconciler = Reconciler(engine, audit, service, js, restart=True)
    return ReconcileActivities(engine, reconciler, Milestones(engine, service), prepare)


@asynccontextmanager
async def serve(
    client: Client, activities: ReconcileActivities, unclean: Path
) -> AsyncIterator[None]:
    """Serve the comparison, have it started each night, and now after an unclean stop.

    Args:
        client: Temporal's.
        activities: What the workflow asks for.
        unclean: A file that exists after an unclean stop; it is removed.
    """
    worker = Worker(
        client,
        task_queue=names.RECONCILE_QUEUE,
        workflows=[ReconcileWorkflow],
        activities=[activities.reconcile],
        workflow_runner=sandbox(),
    )
    async with worker:
        handle = await ensure_schedule(client)
        if await asyncio.to_thread(unclean.exists):
            log.warning("comparing_after_unclean_stop")
            # A run that was under way has no worker now, and would keep this one waiting.
            await handle.trigger(overlap=ScheduleOverlapPolicy.TERMINATE_OTHER)
            await asyncio.to_thread(unclean.unlink, missing_ok=True)
        yield


async def ensure_schedule(client: Client) -> ScheduleHandle:
    """Create the Schedule, or update it to our settings; a paused one stays paused."""
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
