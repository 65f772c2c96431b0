"""Compare cases with their workflows, and bring up those that are behind or gone."""

import asyncio
import itertools
from collections.abc import Mapping

from temporalio.service import RPCError, RPCStatusCode

from models.cases.states import FINAL
from models.refusals import Refused
from services.cases.service import CaseService
from services.reconcile.cases import RecordedCase
from services.reconcile.deadlines import Deadlines
from services.reconcile.differences import Difference, difference
from services.unavailable import Unavailable

AT_ONCE = 16
"""Workflows started side by side."""


class WorkflowComparison:
    """Compares workflows with the record.

    Args:
        service: The way to the workflows.
        deadlines: Compares what they plan.
        restart: Start workflows anew that are gone though their case is open.
    """

    def __init__(self, service: CaseService, deadlines: Deadlines, *, restart: bool) -> None:
        self._service, self._deadlines, self._restart = service, deadlines, restart

    async def compare(self, case: RecordedCase, *, again: bool) -> list[Difference]:
        """Return where a case's workflow differs from the record.

        Args:
            case: The case.
            again: It was compared a moment ago: what is planned otherwise is repaired now.

        Raises:
            Unavailable: Temporal does not answer.
        """
        try:
            snapshot = await self._service.snapshot(case.id)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise _no_answer(case.id, error) from error
            return await self._missing_unless_ended(case)
        if snapshot.seq > case.seq:
            what = f"流程在第 {snapshot.seq} 步，记录只到第 {case.seq} 步：记录可能由旧备份恢复"
            return [difference("record_behind", case.id, what)]
        if case.state in FINAL:
            return []
        if not await self._service.runs(case.id):  # terminated by hand: it still answers queries
            return await self._missing_unless_ended(case)
        if snapshot.seq < case.seq or snapshot.state is not case.state:
            after = await self._service.catch_up(case.id)
            what = f"流程在第 {snapshot.seq} 步，记录在第 {case.seq} 步，已对齐"
            return [difference("workflow_behind", case.id, what, repaired=after.seq >= case.seq)]
        unplanned = await self._deadlines.agenda(case.id, snapshot, repair=again)
        return [] if unplanned is None else [unplanned]

    async def missing(self, open_cases: Mapping[str, int]) -> list[Difference]:
        """Return the open cases whose workflow does not run, however long ago it ended.

        Args:
            open_cases: Cases that Temporal's lists do not name as running, with their seq.
                The lists lag, so each workflow is asked for before it counts as missing.

        Raises:
            Unavailable: Temporal does not answer.
        """
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(case_id: str, seq: int) -> list[Difference]:
            async with gate:
                return [] if await self._runs(case_id) else await self._missing(case_id, seq)

        found = await asyncio.gather(*(one(*each) for each in open_cases.items()))
        return [*itertools.chain.from_iterable(found)]

    async def _runs(self, case_id: str) -> bool:
        try:
            return await self._service.runs(case_id)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise _no_answer(case_id, error) from error
            return False

    async def _missing_unless_ended(self, case: RecordedCase) -> list[Difference]:
        # A case that has ended needs no workflow.
        return [] if case.state in FINAL else await self._missing(case.id, case.seq)

    async def _missing(self, case_id: str, seq: int) -> list[Difference]:
        """Start a workflow that is gone, where that is wanted or it never ran."""
        if not self._restart and seq > 0:
            what = "流程不存在，请执行 tuixuan reconcile --restart"
            return [difference("workflow_missing", case_id, what)]
        try:
            await self._service.start(case_id)
        except Refused:
            return []  # it ended meanwhile
        what = f"流程已由记录重新启动，接第 {seq} 步"
        return [difference("workflow_missing", case_id, what, repaired=True)]


def _no_answer(case_id: str, error: RPCError) -> Unavailable:
    message = (
        f"案例 {case_id} 的流程没有应答（{error.status.name}）。"
        "请执行 tuixuan status，查看 temporal 与 cases 是否正常。"
    )
    return Unavailable("temporal_unavailable", message, retry=True)
