"""Cases, as everybody uses them: file one, act on it."""

import asyncio
from collections.abc import Iterable

from sqlalchemy import Engine
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.commands import Command
from models.cases.guards import Facts
from models.cases.lifecycle import Lifecycle
from models.cases.messages import CaseSnapshot, Standing
from models.cases.states import FINAL, State
from models.refusals import Refused
from models.wording import state_name
from services.cases import drafts, intake, queries
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.standing import read_standing
from services.cases.views import CaseView
from services.cases.workflows import CaseWorkflows, NoWorkflow, WorkflowRefusal, unavailable
from services.clock import new_id, now
from services.seasons.cache import SeasonCache
from services.unavailable import Unavailable

ANSWER_WITHIN_SECONDS = 30.0
"""How long a caller waits before being told to ask again under the same id."""


class WorkflowMissing(Unavailable):
    """An open case has no workflow that runs: asking again changes nothing."""


class CaseService:
    """Where everything that people do to cases comes in."""

    def __init__(
        self, engine: Engine, client: Client, *, answer_within: float = ANSWER_WITHIN_SECONDS
    ) -> None:
        """Connect record and workflows.

        Args:
            engine: The record.
            client: A client with the pydantic converter.
            answer_within: Seconds until a caller is told to ask again.
        """
        self._engine, self._cache = engine, SeasonCache()
        self._workflows = CaseWorkflows(client)
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
        standing = await asyncio.to_thread(read_standing, self._engine, self._cache, case_id, now())
        if standing.state in FINAL:
            raise Refused(
                "case_closed", f"案例 {case_id} 已结束，当前状态为{state_name(standing.state)}。"
            )
        try:
            await self._workflows.start(standing)
        except RPCError as error:
            raise unavailable(error, f"案例 {case_id} 已保存，流程稍后启动") from error

    async def act(self, request: Request) -> CaseView:
        """Do something to a case.

        Returns:
            The case afterwards, or as it is when the request was done before.

        Raises:
            Refused: The rules are against it; nothing changed.
            Unavailable: It may or may not be done: ask again with the same id.
        """
        case, command = await asyncio.to_thread(intake.prepare, self._engine, self._cache, request)
        if command is None:
            return CaseView.of(case)
        try:
            async with asyncio.timeout(self._answer_within):
                snapshot = await self._send(request, command)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            message = f"暂时没有得到答复，请稍后以同一请求编号重试：--update-id {request.update_id}"
            raise Unavailable("no_answer_yet", message, retry=True) from error
        if snapshot is None:
            return await asyncio.to_thread(queries.show, self._engine, request.case_id)
        return CaseView.after(case, command, snapshot)

    async def catch_up(self, case_id: str) -> CaseSnapshot:
        """Make a case's workflow stand where the record stands."""
        return await self._workflows.catch_up(case_id)

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
        return await self._workflows.snapshot(case_id)

    async def runs(self, case_id: str) -> bool:
        """Return whether the case's newest workflow is open."""
        return await self._workflows.runs(case_id)

    async def running(self) -> set[str]:
        """Return the cases whose workflow runs, a page at a call; lists follow within seconds.

        Raises:
            Unavailable: Temporal does not answer.
        """
        try:
            return await self._workflows.running()
        except RPCError as error:
            raise unavailable(error, "未能列出运行中的流程") from error

    async def _send(self, request: Request, command: Command) -> CaseSnapshot | None:
        """Send an update; where the workflow lags the record, bring it up and ask again.

        Returns:
            Where the case stands; None if it turns out that the request was done before.
        """
        answer = await self._ask(request, command)
        if isinstance(answer, CaseSnapshot):
            return answer
        if await asyncio.to_thread(intake.done_before, self._engine, request, command):
            return None
        state, seq = await asyncio.to_thread(queries.position, self._engine, request.case_id)
        if answer.seq is not None and answer.seq < seq and state not in FINAL:
            await self.catch_up(request.case_id)
            answer = await self._ask(request, command)
        if isinstance(answer, WorkflowRefusal):
            raise answer.refused
        return answer

    async def _ask(self, request: Request, command: Command) -> CaseSnapshot | WorkflowRefusal:
        """Ask the workflow; without one, say whether the case ended or its workflow is lost."""
        try:
            return await self._workflows.ask(request, command)
        except NoWorkflow as error:
            case_id = request.case_id
            state, _ = await asyncio.to_thread(queries.position, self._engine, case_id)
            if state in FINAL:
                return await self._ask_ended(request, command)
            raise WorkflowMissing(
                "workflow_missing",
                f"案例 {case_id} 的流程不在运行。请运维人员执行 tuixuan reconcile --restart。",
            ) from error

    async def _ask_ended(
        self, request: Request, command: Command
    ) -> CaseSnapshot | WorkflowRefusal:
        """Ask a case that has ended: what leads out of its end starts its workflow anew."""
        standing = await asyncio.to_thread(
            read_standing, self._engine, self._cache, request.case_id, now()
        )
        refused = _refuse_ended(standing, request.action, command)
        if refused is not None:  # here and now, so that no workflow is started in vain
            return WorkflowRefusal(refused, None)
        return await self._workflows.ask_anew(standing, request, command)


def _refuse_ended(standing: Standing, action: Action, command: Command) -> Refused | None:
    """Return why an action does not lead out of the end of a case; None: it does."""
    state = standing.state
    if not any(state in move.sources for move in ACTIONS[action].moves):
        message = f"案例已结束，当前状态为{state_name(state)}，不能再办理。"
        if state is State.LAPSED:
            message += f"主办方可恢复办理：tuixuan case reopen {standing.case_id}"
        return Refused("case_closed", message)
    try:
        Lifecycle(state).check(action, Facts(command, now(), standing))
    except Refused as refused:
        return refused
    return None
