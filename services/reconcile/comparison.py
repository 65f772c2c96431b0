"""Compare the four records of every case, and repair forward.

SQL is the record; the workflow is the process; the stream is the announcement; the
audit store is the witness. What is behind is brought up; what is ahead is reported and
never touched: nothing here writes history.
"""

import asyncio
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nats.js import JetStreamContext
from sqlalchemy import Engine, select
from temporalio.service import RPCError, RPCStatusCode

from models.cases.states import FINAL, State
from models.store.engine import reading
from models.tables import CaseRecord, table_of
from models.tables.audit import AuditChainRow
from services.cases.service import CaseService
from services.reconcile.deadlines import Deadlines
from services.reconcile.differences import Difference, ReconcileReport, difference
from services.stream.losses import announced_seqs, count_messages, give_back, read_published
from services.unavailable import Unavailable

AT_ONCE = 16
"""Cases looked at side by side."""
PATIENCE_SECONDS = 5.0
"""How long a step may take to reach all four."""
LOOK_AGAIN_SECONDS = 0.1

CASES, AUDIT = table_of(CaseRecord), table_of(AuditChainRow)


@dataclass(frozen=True)
class OnRecord:
    """A case as SQL has it: its newest seq, and which of its events were published."""

    id: str
    state: State
    seq: int
    published: frozenset[int]


class Reconciler:
    """Compares. Give it what is there; without a stream it compares the others."""

    def __init__(
        self,
        engine: Engine,
        audit: Engine,
        service: CaseService,
        js: JetStreamContext | None,
        *,
        restart: bool = False,
    ) -> None:
        """Take the four.

        Args:
            engine: The record.
            audit: The audit's store.
            service: The way to the workflows.
            js: The stream; None: NATS is not there.
            restart: Start workflows anew that are gone though their case is open.
        """
        self._engine, self._audit, self._service, self._js = engine, audit, service, js
        self._restart = restart
        self._deadlines = Deadlines(engine, service)

    async def run(
        self, patience: float = PATIENCE_SECONDS, since: datetime | None = None
    ) -> ReconcileReport:
        """Compare every case, or those that changed at `since` or later.

        The system runs meanwhile, and the four cannot be read at one instant: what seems
        to differ is looked at again until it does not, or `patience` (seconds) ends.
        """
        cases, found = await self._compare(None, since)
        repaired = [each for each in found if each.repaired]
        left = [each for each in found if not each.repaired]
        end = time.monotonic() + patience
        while left and time.monotonic() < end:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            _, found = await self._compare({each.case_id for each in left}, since)
            repaired += [each for each in found if each.repaired]
            left = [each for each in found if not each.repaired]
        return ReconcileReport(ok=not left, cases=cases, differences=[*repaired, *left])

    async def lacks_events(self) -> bool:
        """Tell whether the stream or the audit holds fewer events than were published."""
        published = await asyncio.to_thread(read_published, self._engine)
        count = sum(map(len, published.values()))
        witnessed = await asyncio.to_thread(read_audit, self._audit)
        if sum(map(len, witnessed.values())) < count:
            return True
        return self._js is not None and await count_messages(self._js) < count

    async def _compare(
        self, only: set[str] | None, since: datetime | None
    ) -> tuple[int, list[Difference]]:
        """Compare all cases, or look at some again; return how many there are, and what differs."""
        self._deadlines.forget_working_days()
        cases = await asyncio.to_thread(read_cases, self._engine, since)
        witnessed = await asyncio.to_thread(read_audit, self._audit)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(case: OnRecord) -> list[Difference]:
            async with gate:
                return [
                    *await self._workflow(case, again=only is not None),
                    *await self._stream(case),
                    *_audit(case, witnessed.get(case.id, frozenset())),
                ]

        wanted = [case for case in cases if only is None or case.id in only]
        found = await asyncio.gather(*(one(case) for case in wanted))
        differences = [*itertools.chain.from_iterable(found), *await self._deadlines.stale(only)]
        # Who looks at some cases only cannot tell which the record does not know.
        unknown = sorted(set(witnessed) - {case.id for case in cases}) if since is None else []
        differences += [
            difference("audit_ahead", case_id, "审计库有此案例，记录中没有") for case_id in unknown
        ]
        return len(cases), differences

    async def _workflow(self, case: OnRecord, *, again: bool) -> list[Difference]:
        try:
            snapshot = await self._service.snapshot(case.id)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise _no_answer(case.id, error) from error
            return await self._missing(case)
        if snapshot.seq > case.seq:
            what = f"流程在第 {snapshot.seq} 步，记录只到第 {case.seq} 步：记录可能由旧备份恢复"
            return [difference("record_behind", case.id, what)]
        if case.state in FINAL:
            return []
        if not await self._service.runs(case.id):  # terminated by hand: it still answers queries
            return await self._missing(case)
        if snapshot.seq < case.seq or snapshot.state is not case.state:
            after = await self._service.catch_up(case.id)
            what = f"流程在第 {snapshot.seq} 步，记录在第 {case.seq} 步，已对齐"
            return [difference("workflow_behind", case.id, what, repaired=after.seq >= case.seq)]
        unplanned = await self._deadlines.agenda(case.id, snapshot, repair=again)
        return [] if unplanned is None else [unplanned]

    async def _missing(self, case: OnRecord) -> list[Difference]:
        if case.state in FINAL:
            return []  # a case that has ended needs no process
        if not self._restart and case.seq > 0:
            what = "流程不存在，请执行 tuixuan reconcile --restart"
            return [difference("workflow_missing", case.id, what)]
        await self._service.start(case.id)
        what = f"流程已由记录重新启动，接第 {case.seq} 步"
        return [difference("workflow_missing", case.id, what, repaired=True)]

    async def _stream(self, case: OnRecord) -> list[Difference]:
        if self._js is None or case.seq == 0:
            return []
        announced = await announced_seqs(self._js, case.id)
        steps = set(range(1, case.seq + 1))
        found = []
        if beyond := sorted(announced - steps):
            found.append(difference("stream_ahead", case.id, f"事件流多出第 {beyond} 步"))
        if waiting := sorted(steps - case.published - announced):
            what = f"第 {waiting} 步尚未发布，请查看 relay 进程（tuixuan status）"
            found.append(difference("not_announced", case.id, what))
        if lost := sorted(case.published - announced):
            await asyncio.to_thread(give_back, self._engine, {case.id: lost})
            what = f"事件流缺少第 {lost} 步，已重新排队发布"
            found.append(difference("stream_behind", case.id, what, repaired=True))
        return found


def _no_answer(case_id: str, error: RPCError) -> Unavailable:
    message = (
        f"案例 {case_id} 的流程没有应答（{error.status.name}）。"
        "请执行 tuixuan status，查看 temporal 与 cases 是否正常。"
    )
    return Unavailable("temporal_unavailable", message, retry=True)


def read_cases(engine: Engine, since: datetime | None = None) -> list[OnRecord]:
    """Return every case, or those changed at `since` or later, with what was published of it."""
    # First: what is published meanwhile belongs to a step that is read then.
    published = read_published(engine)
    with reading(engine) as connection:
        query = select(CASES.c.id, CASES.c.state, CASES.c.seq).order_by(CASES.c.id)
        if since is not None:
            query = query.where(CASES.c.updated_at >= since)
        rows = connection.execute(query)
        return [
            OnRecord(row.id, State(row.state), row.seq, frozenset(published.get(row.id, ())))
            for row in rows
        ]


def read_audit(audit: Engine) -> Mapping[str, frozenset[int]]:
    """Return which seqs of each case the audit has seen."""
    seen: dict[str, set[int]] = {}
    query = select(AUDIT.c.case_id, AUDIT.c.case_seq).where(AUDIT.c.case_seq.is_not(None))
    with reading(audit) as connection:
        for row in connection.execute(query):
            seen.setdefault(row.case_id, set()).add(row.case_seq)
    return {case_id: frozenset(seqs) for case_id, seqs in seen.items()}


def _audit(case: OnRecord, seen: frozenset[int]) -> list[Difference]:
    found = []
    if beyond := sorted(seen - set(range(1, case.seq + 1))):
        found.append(difference("audit_ahead", case.id, f"审计库多出第 {beyond} 步"))
    lost = sorted(case.published - seen)
    if lost and lost[0] < max(seen, default=0):
        what = f"审计库中间缺少第 {lost} 步，请执行 tuixuan audit verify"
        found.append(difference("audit_gap", case.id, what))
    elif lost:
        # The audit worker takes what it has not seen from the stream or from SQL by itself.
        found.append(difference("audit_behind", case.id, f"审计尚未收到第 {lost} 步"))
    return found
