"""One case as tests see it: its workflow, its record, and what operations are shown."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import (
    PollWorkflowExecutionUpdateRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from activities.database import reading
from activities.records import Records
from models.agenda import AgendaItem
from models.commands import Actor, Command
from models.history import transition_hash
from models.lifecycle import Action
from models.records import COMMANDS, CaseSnapshot, Standing
from models.refusals import Refused
from models.tables import CaseReason, Outbox, Transition, table_of
from services import case_record, intake
from services.clock import new_id
from services.requests import Request
from services.views import CaseView
from tests.workflow.passing import passing_fields
from tests.workflow.waiting import now, until
from workflows import names

if TYPE_CHECKING:
    from tests.workflow.world import World

REMARKS = "（示例）请补充数据。"

EXPECTED = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)
"""Tasks that the server itself takes back: a reset, and news while a run was ending."""

type Pending = asyncio.Task[CaseSnapshot]


class Case:
    """One case, its workflow and its record."""

    def __init__(self, world: "World", case_id: str) -> None:
        self.world, self.id = world, case_id

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.world.client.get_workflow_handle(names.case_workflow_id(self.id))

    async def act(
        self, action: Action, *, update_id: str | None = None, actor: Actor | None = None,
        text: str | None = REMARKS, **fields: Any,
    ) -> CaseView:  # fmt: skip
        """Act through the desk, with whatever lets the action pass unless told otherwise."""
        ids = {} if update_id is None else {"update_id": update_id}
        values = {**passing_fields(action), **fields}
        return await self.world.desk.act(
            Request(self.id, action, values, actor=actor, text=text, **ids)
        )

    async def due_soon(self, action: Action, field: str) -> datetime:
        """Act with a due date as close as this machine manages now; return it."""
        left = timedelta(seconds=0.3)
        while True:
            due = now() + left
            fields: dict[str, Any] = {field: due}
            try:
                await self.act(action, **fields)
            except Refused as refused:
                if refused.code != "due_in_past":
                    raise
                left *= 2
            else:
                return due

    async def walk(self, *actions: Action) -> None:
        for action in actions:
            await self.act(action)

    def command(self, action: Action, **fields: Any) -> Command:
        """Return a command as the desk would send it, its words on record."""
        values = {**passing_fields(action), **fields}
        request = Request(self.id, action, values, text=REMARKS)
        command = intake.prepare(self.world.engine, request)
        assert command is not None
        return command

    async def update(
        self, action: Action, update_id: str, command: Command | None = None, **fields: Any
    ) -> CaseSnapshot:
        """Send an update past the desk, whatever the record says."""
        sent = command or self.command(action, **fields)
        assert isinstance(sent, COMMANDS[action])
        snapshot: CaseSnapshot = await self.handle.execute_update(
            action, sent, id=update_id, result_type=CaseSnapshot
        )
        return snapshot

    async def queued(self, action: Action, update_id: str, **fields: Any) -> "Pending":
        """Send an update that nobody serves yet; return once the server holds it."""
        pending = asyncio.create_task(self.update(action, update_id, **fields))
        await until(lambda: self.admitted(update_id))
        return pending

    async def began(self) -> bool:
        """Whether a worker has taken the case up."""
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return any(event.event_type == done for event in (await self.history()).events)

    async def admitted(self, update_id: str) -> bool:
        """Whether the server knows the update."""
        client, execution = self.world.client, WorkflowExecution(workflow_id=self.handle.id)
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

    async def snapshot(self) -> CaseSnapshot:
        return await self.world.desk.snapshot(self.id)

    @property
    def view(self) -> CaseView:
        return case_record.show(self.world.engine, self.id)

    @property
    def standing(self) -> Standing:
        """Where the record says that the case stands, planned as of its newest transition."""
        return Records(self.world.engine).read_standing(self.id, self.rows[-1].at)

    async def details(self) -> str:
        """Return what the Temporal UI shows as current details."""
        metadata = await self.handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        text: str = metadata.current_details
        return text

    @property
    def planned(self) -> tuple[AgendaItem, ...]:
        """What the record would plan for a case at the instant of its filing."""
        standing = Records(self.world.engine).read_standing(self.id, self.view.since)
        return standing.outlook.agenda.items

    @property
    def rows(self) -> list[Any]:
        table = table_of(Transition)
        query = select(table).where(table.c.case_id == self.id).order_by(table.c.seq)
        with reading(self.world.engine) as connection:
            return list(connection.execute(query))

    @property
    def actions(self) -> list[Action]:
        return [row.action for row in self.rows]

    @property
    def outbox(self) -> list[int]:
        table = table_of(Outbox)
        query = select(table.c.seq).where(table.c.case_id == self.id).order_by(table.c.seq)
        with reading(self.world.engine) as connection:
            return list(connection.scalars(query))

    @property
    def texts(self) -> list[str]:
        table = table_of(CaseReason)
        with reading(self.world.engine) as connection:
            return list(connection.scalars(select(table.c.text).where(table.c.case_id == self.id)))

    async def has_done(self, *actions: Action) -> None:
        """Wait until the record holds these, and assert that it holds no others."""

        async def done() -> bool:
            return len(self.rows) >= len(actions)

        await until(done)
        assert self.actions == list(actions)

    async def history(self) -> WorkflowHistory:
        return await self.handle.fetch_history()

    async def runs(self) -> list[WorkflowHistory]:
        """Return the history of every run, the first one first."""
        histories = [await self.history()]
        while before := _started(histories[0]).continued_execution_run_id:
            handle = self.world.client.get_workflow_handle(self.handle.id, run_id=before)
            histories.insert(0, await handle.fetch_history())
        return histories

    async def length(self) -> int:
        return len((await self.history()).events)

    async def agrees(self) -> None:
        """Assert that workflow, case row, history and outbox tell one story."""
        snapshot, view, rows = await self.snapshot(), self.view, self.rows
        assert [row.seq for row in rows] == list(range(1, view.seq + 1))
        assert self.outbox == [row.seq for row in rows]
        assert (snapshot.state, snapshot.seq) == (view.state, view.seq)
        assert (snapshot.deadline, snapshot.title) == (view.deadline, view.title)
        assert [row.source for row in rows[1:]] == [row.target for row in rows[:-1]]
        assert not rows or rows[-1].target == view.state
        for before, row in zip([None, *rows], rows, strict=False):
            assert before is None or row.previous_hash == before.hash
            assert row.hash == transition_hash({**row._mapping})
        await self.is_healthy()

    async def reset(self, to_task: int, *, reapply: bool) -> None:
        """Reset the workflow to the end of its n-th task, as operations can.

        Args:
            to_task: From 1.
            reapply: Whether the updates behind that point are done again.
        """
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        tasks = [e.event_id for e in (await self.history()).events if e.event_type == done]
        updates = ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE
        await self.world.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.world.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=self.handle.id),
                reason="test",
                workflow_task_finish_event_id=tasks[to_task - 1],
                request_id=new_id("reset"),
                reset_reapply_exclude_types=[] if reapply else [updates],
            )
        )

    async def waits_for_the_record(self) -> bool:
        """Whether a wait for the record has become a timer: ours are labelled, those are not."""
        return any(
            event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
            and not event.user_metadata.summary.data
            for event in (await self.history()).events
        )

    async def rang(self, times: int = 1) -> None:
        """Wait until so many timers rang and what came of it is done."""

        async def done() -> bool:
            events = [event.event_type for event in (await self.history()).events]
            fired = events.count(EventType.EVENT_TYPE_TIMER_FIRED)
            return fired >= times and events[-1] != EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED

        await until(done)
        await self.snapshot()  # answered behind the task that the timer began

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
