"""The worker of the cases: their workflows, and the activities of the record."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.cases import CaseActivities
from workers.cases.sandbox import CaseSandbox
from workflows import names
from workflows.case import CaseWorkflow

PASSED_THROUGH = ("models", "transitions", "pydantic", "pydantic_core", "annotated_types")
"""Loaded once for all workflows. The workflow modules themselves stay in the sandbox,
so that a clock or a dice in one of them is caught."""

LOCAL_ACTIVITIES = 16


def sandbox() -> CaseSandbox:
    """Return the runner of workflows: sandboxed, with our pure packages passed through."""
    return CaseSandbox(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    )


def case_worker(
    client: Client, engine: Engine, executor: ThreadPoolExecutor, *, max_cached: int = 1000
) -> Worker:
    """Return the worker.

    Args:
        client: A client with the pydantic converter.
        engine: The record.
        executor: Threads for the record's activities, `LOCAL_ACTIVITIES` of them.
        max_cached: How many cases it keeps in memory between their transitions.
    """
    record = CaseActivities(engine)
    return Worker(
        client,
        task_queue=names.TASK_QUEUE,
        workflows=[CaseWorkflow],
        activities=[record.commit_transition, record.read_standing],
        activity_executor=executor,
        workflow_runner=sandbox(),
        max_cached_workflows=max_cached,
        max_concurrent_workflow_tasks=8,
        max_concurrent_local_activities=LOCAL_ACTIVITIES,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


async def run_cases(client: Client, engine: Engine, stop: asyncio.Event) -> None:
    """Serve cases until `stop`."""
    with ThreadPoolExecutor(LOCAL_ACTIVITIES, thread_name_prefix="record") as executor:
        async with case_worker(client, engine, executor):
            await stop.wait()
