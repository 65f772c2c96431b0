"""The workflows of the cases, as the rest of the program reaches them."""

from datetime import timedelta
from typing import Any, NamedTuple

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from models.cases.commands import Command
from models.cases.messages import CaseSnapshot, Standing
from models.ids import parse_case_path
from models.refusals import Refused
from services.cases.requests import Request
from services.clock import new_id
from services.unavailable import Unavailable
from workflows import names
from workflows.visibility import search_attributes, static_details, summary

TASK_TIMEOUT = timedelta(seconds=3)
"""How long a case waits for a worker that was killed in the middle of a task."""

PAGE = 1000
"""Workflows listed in one call."""
RUNNING_CASES = f'WorkflowType="{names.CASE_WORKFLOW}" AND ExecutionStatus="Running"'

_UNAVAILABLE = frozenset({
    RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
})  # fmt: skip


class WorkflowRefusal(NamedTuple):
    """A refusal by a workflow, and how far it stood; `seq` None: no workflow was asked."""

    refused: Refused
    seq: int | None


class NoWorkflow(Exception):
    """No workflow of the case runs."""


class CaseWorkflows:
    """Starts the workflows of cases, sends them updates, asks them where they stand."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, standing: Standing) -> None:
        """Start a case's workflow where it stands; one that runs is left alone.

        Raises:
            RPCError: Temporal does not answer.
        """
        await self._client.start_workflow(names.CASE_WORKFLOW, standing, **_start_options(standing))

    async def ask(self, request: Request, command: Command) -> CaseSnapshot | WorkflowRefusal:
        """Send an update, and return its answer.

        Raises:
            NoWorkflow: The case ended, or its workflow is lost.
            Unavailable: It may or may not be done.
        """
        try:
            answer: CaseSnapshot = await self._handle(request.case_id).execute_update(
                request.action, command, id=request.update_id, result_type=CaseSnapshot
            )
        except WorkflowUpdateFailedError as error:
            return _refusal(error)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NoWorkflow(request.case_id) from error
            raise unavailable(error, "操作尚未完成") from error
        return answer

    async def ask_anew(
        self, standing: Standing, request: Request, command: Command
    ) -> CaseSnapshot | WorkflowRefusal:
        """Start the workflow of a case that has ended, and send it an update: both or neither.

        Raises:
            Unavailable: It may or may not be done.
        """
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            names.CASE_WORKFLOW, standing, **_start_options(standing)
        )
        try:
            answer: CaseSnapshot = await self._client.execute_update_with_start_workflow(
                request.action, command, id=request.update_id, result_type=CaseSnapshot,
                start_workflow_operation=start,
            )  # fmt: skip
        except WorkflowUpdateFailedError as error:
            return _refusal(error)
        except RPCError as error:
            raise unavailable(error, "操作尚未完成") from error
        return answer

    async def catch_up(self, case_id: str) -> CaseSnapshot:
        """Make a case's workflow stand where the record stands."""
        result: CaseSnapshot = await self._handle(case_id).execute_update(
            names.CATCH_UP, id=new_id("catch-up"), result_type=CaseSnapshot
        )
        return result

    async def snapshot(self, case_id: str) -> CaseSnapshot:
        """Return what a case's workflow itself says."""
        result: CaseSnapshot = await self._handle(case_id).query(
            names.SNAPSHOT, result_type=CaseSnapshot
        )
        return result

    async def runs(self, case_id: str) -> bool:
        """Return whether the case's newest workflow is open."""
        described = await self._handle(case_id).describe()
        return described.status is WorkflowExecutionStatus.RUNNING

    async def running(self) -> set[str]:
        """Return the cases whose workflow runs, as Temporal's lists know them.

        The lists follow within a second or two; a page of them costs one call.

        Raises:
            RPCError: Temporal does not answer.
        """
        listed = self._client.list_workflows(RUNNING_CASES, page_size=PAGE)
        found = [parse_case_path(each.id) async for each in listed]
        return {case_id for case_id in found if case_id is not None}

    def _handle(self, case_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(names.case_workflow_id(case_id))


def _start_options(standing: Standing) -> dict[str, Any]:
    """Return how the workflow of a case is started; one that runs is left alone."""
    return {
        "id": names.case_workflow_id(standing.case_id),
        "task_queue": names.TASK_QUEUE,
        "task_timeout": TASK_TIMEOUT,
        "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
        "search_attributes": search_attributes(standing),
        "static_summary": summary(standing.outlook.title, standing.outlook.number),
        "static_details": static_details(standing),
    }


def _refusal(error: WorkflowUpdateFailedError) -> WorkflowRefusal:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == names.REFUSED:
        code, seq = cause.details
        return WorkflowRefusal(Refused(str(code), cause.message), int(seq))
    raise Unavailable("update_failed", f"操作失败：{cause}") from error


def unavailable(error: RPCError, what: str) -> Unavailable:
    """Return what to tell a caller whom Temporal gave an error. `what`: what has not come of it."""
    if error.status in _UNAVAILABLE:
        message = f"{what}：Temporal 服务没有应答（{error.status.name}）。请检查 tuixuan status。"
        return Unavailable("temporal_unavailable", message, retry=True)
    return Unavailable("temporal_error", f"{what}：{error.message}")
