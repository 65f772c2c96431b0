"""Cases, as applicants and offices use them: file, look, act."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from models.cases.commands import Command
from models.cases.messages import CaseSnapshot, Standing
from models.cases.states import FINAL
from models.refusals import Refused
from models.wording import state_name
from services.cases import drafts, intake, queries
from services.cases.commit import Records
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.views import CaseView, Unavailable
from services.clock import new_id, now
from workflows import names
from workflows.visibility import search_attributes, summary

ANSWER_WITHIN_SECONDS = 30.0
"""How long a caller waits before being told to ask again under the same id."""

TASK_TIMEOUT = timedelta(seconds=3)
"""How long a case waits for a worker that was killed in the middle of a task."""

_AWAY = frozenset({
    RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
})  # fmt: skip


class CaseService:
    """Where everything that people do to cases comes in."""

    def __init__(
        self, engine: Engine, client: Client, *, answer_within: float = ANSWER_WITHIN_SECONDS
    ) -> None:
        """Take the record and the engine's client.

        Args:
            engine: The record.
            client: A client with the pydantic converter.
            answer_within: Seconds until a caller is told to ask again.
        """
        self._engine, self._client = engine, client
        self._records = Records(engine)
        self._answer_within = answer_within

    async def create(self, draft: NewDraft) -> str:
        """Start a draft; return its id.

        Raises:
            Refused: The season, the location or the unit will not do.
            Unavailable: The draft is on record, and its workflow starts later.
        """
        case_id = new_id("case")
        await asyncio.to_thread(drafts.create_draft, self._engine, case_id, draft, now())
        await self.start(case_id)
        return case_id

    async def start(self, case_id: str) -> None:
        """Start a case's workflow from the record, unless it runs.

        Raises:
            Refused: There is no such case, or it has ended.
            Unavailable: Temporal does not answer.
        """
        standing = await asyncio.to_thread(self._records.read_standing, case_id, now())
        if standing.state in FINAL:
            raise Refused("case_closed", f"案例 {case_id} 已结束（{standing.state}）。")
        try:
            await start_workflow(self._client, standing)
        except RPCError as error:
            raise _unavailable(error, f"案例 {case_id} 已保存，流程稍后启动") from error

    async def act(self, request: Request) -> CaseView:
        """Do something to a case.

        Returns:
            The case afterwards, or as it is when the request was done before.

        Raises:
            Refused: The rules are against it; nothing changed.
            Unavailable: It may or may not be done: ask again with the same id.
        """
        command = await asyncio.to_thread(intake.prepare, self._engine, request)
        if command is not None:
            try:
                async with asyncio.timeout(self._answer_within):
                    await self._send(request, command)
            except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
                message = (
                    f"暂时没有得到答复，请稍后以同一请求编号重试：--update-id {request.update_id}"
                )
                raise Unavailable("no_answer_yet", message, retry=True) from error
        return await asyncio.to_thread(queries.show, self._engine, request.case_id)

    async def catch_up(self, case_id: str) -> CaseSnapshot:
        """Make a case's workflow stand where the record stands."""
        handle = self._handle(case_id)
        result: CaseSnapshot = await handle.execute_update(
            names.CATCH_UP, id=new_id("catch-up"), result_type=CaseSnapshot
        )
        return result

    async def catch_up_each(self, case_ids: Iterable[str]) -> None:
        """Do so with several; one without a workflow begins from the record when it starts."""
        for case_id in case_ids:
            try:
                await self.catch_up(case_id)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def snapshot(self, case_id: str) -> CaseSnapshot:
        """Return what the workflow itself says."""
        result: CaseSnapshot = await self._handle(case_id).query(
            names.SNAPSHOT, result_type=CaseSnapshot
        )
        return result

    async def runs(self, case_id: str) -> bool:
        """Return whether the case's newest workflow is open."""
        described = await self._handle(case_id).describe()
        return described.status is WorkflowExecutionStatus.RUNNING

    def _handle(self, case_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(names.case_workflow_id(case_id))

    async def _send(self, request: Request, command: Command) -> None:
        """Send an update; where the workflow lags the record, bring it up and ask again."""
        refusal = await self._ask(request, command)
        if refusal is None or await self._done_before(request, command):
            return
        state, seq = await asyncio.to_thread(queries.position, self._engine, request.case_id)
        if refusal.seq is not None and refusal.seq < seq and state not in FINAL:
            await self.catch_up(request.case_id)
            refusal = await self._ask(request, command)
        if refusal is not None:
            raise refusal.refused

    async def _done_before(self, request: Request, command: Command) -> bool:
        return await asyncio.to_thread(intake.done_before, self._engine, request, command)

    async def _ask(self, request: Request, command: Command) -> "_Refusal | None":
        try:
            await self._handle(request.case_id).execute_update(
                request.action, command, id=request.update_id, result_type=CaseSnapshot
            )
        except WorkflowUpdateFailedError as error:
            return _refusal(error)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return await self._closed(request.case_id)
            raise _unavailable(error, "操作尚未完成") from error
        return None

    async def _closed(self, case_id: str) -> "_Refusal":
        """Return why no workflow takes the update: the case has ended, or it is lost."""
        state, _ = await asyncio.to_thread(queries.position, self._engine, case_id)
        if state in FINAL:
            message = f"案例已结束，当前状态为{state_name(state)}，不能再办理。"
            return _Refusal(Refused("case_closed", message), None)
        raise WorkflowMissing(
            "workflow_missing",
            f"案例 {case_id} 的流程不在运行。请运维人员执行 tuixuan reconcile --restart。",
        )


class WorkflowMissing(Unavailable):
    """An open case has no workflow that runs: asking again changes nothing."""


class _Refusal:
    """A refusal, and how far the refusing workflow stood."""

    def __init__(self, refused: Refused, seq: int | None) -> None:
        self.refused, self.seq = refused, seq


def _refusal(error: WorkflowUpdateFailedError) -> _Refusal:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == names.REFUSED:
        code, seq = cause.details
        return _Refusal(Refused(str(code), cause.message), int(seq))
    raise Unavailable("update_failed", f"操作失败：{cause}") from error


def _unavailable(error: RPCError, what: str) -> Unavailable:
    if error.status in _AWAY:
        message = f"{what}：Temporal 服务没有应答（{error.status.name}）。请检查 tuixuan status。"
        return Unavailable("temporal_unavailable", message, retry=True)
    return Unavailable("temporal_error", f"{what}：{error.message}")


async def start_workflow(client: Client, standing: Standing) -> None:
    """Start a case's workflow where it stands; one that runs is left alone."""
    await client.start_workflow(
        names.CASE_WORKFLOW,
        standing,
        id=names.case_workflow_id(standing.case_id),
        task_queue=names.TASK_QUEUE,
        task_timeout=TASK_TIMEOUT,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        search_attributes=search_attributes(standing),
        static_summary=summary(standing.outlook.title),
    )
