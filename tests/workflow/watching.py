"""The workflow of a case, watched from outside: its history, its runs, its health."""

from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import (
    PollWorkflowExecutionUpdateRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from services.clock import new_id
from tests.waiting import until
from workflows import names

EXPECTED = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)
"""Tasks that the server itself takes back: a reset, and news while a run was ending."""


class Watched:
    """One workflow."""

    def __init__(self, client: Client, case_id: str) -> None:
        self.client, self.id = client, case_id

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(names.case_workflow_id(self.id))

    async def began(self) -> bool:
        """Whether a worker has taken the case up."""
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return any(event.event_type == done for event in (await self.history()).events)

    async def admitted(self, update_id: str) -> bool:
        """Whether the server knows the update."""
        client, execution = self.client, WorkflowExecution(workflow_id=self.handle.id)
        request = PollWorkflowExecutionUpdateRequest(
            namespace=client.namespace,
            update_ref=UpdateRef(workflow_execution=execution, update_id=update_id),
        )
        try:
            await client.workflow_service.poll_workflow_execution_update(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def history(self) -> WorkflowHistory:
        return await self.handle.fetch_history()

    async def runs(self) -> list[WorkflowHistory]:
        """Return the history of every run, the first one first."""
        histories = [await self.history()]
        while before := _started(histories[0]).continued_execution_run_id:
            handle = self.client.get_workflow_handle(self.handle.id, run_id=before)
            histories.insert(0, await handle.fetch_history())
        return histories

    async def length(self) -> int:
        return len((await self.history()).events)

    async def waits_for_the_record(self) -> bool:
        """Whether a wait for the record has become a timer: ours are labelled, those are not."""
        return any(
            event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
            and not event.user_metadata.summary.data
            for event in (await self.history()).events
        )

    async def reset(self, to_task: int, *, reapply: bool) -> None:
        """Reset the workflow to the end of its n-th task, as operations can.

        Args:
            to_task: From 1.
            reapply: Whether the updates behind that point are done again.
        """
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        tasks = [e.event_id for e in (await self.history()).events if e.event_type == done]
        updates = ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE
        await self.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=self.handle.id),
                reason="test",
                workflow_task_finish_event_id=tasks[to_task - 1],
                request_id=new_id("reset"),
                reset_reapply_exclude_types=[] if reapply else [updates],
            )
        )

    async def rang(self, times: int = 1) -> None:
        """Wait until so many timers rang and what came of it is done."""

        async def done() -> bool:
            events = [event.event_type for event in (await self.history()).events]
            fired = events.count(EventType.EVENT_TYPE_TIMER_FIRED)
            return fired >= times and events[-1] != EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED

        await until(done)
        await self.handle.query(names.SNAPSHOT)  # answered behind the task that the timer began

    async def rang_under_way(self) -> None:
        """Wait until a timer rang, whatever it began."""

        async def rang() -> bool:
            fired = EventType.EVENT_TYPE_TIMER_FIRED
            return any(event.event_type == fired for event in (await self.history()).events)

        await until(rang)

    async def is_healthy(self) -> None:
        """Assert that no task of the workflow failed: a warning is an error here."""
        failed = [
            event.workflow_task_failed_event_attributes.failure.message
            for run in await self.runs()
            for event in run.events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            and event.workflow_task_failed_event_attributes.cause not in EXPECTED
        ]
        assert failed == []


def _started(run: WorkflowHistory) -> WorkflowExecutionStartedEventAttributes:
    return run.events[0].workflow_execution_started_event_attributes
