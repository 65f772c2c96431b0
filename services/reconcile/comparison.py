"""Compare record, workflows, stream and audit, case by case, and repair forward.

SQL is the record; the workflow is the process; the stream announces; the audit witnesses.
What is behind is brought up. What is ahead is reported and never touched: nothing here
writes history.
"""

import asyncio
import itertools
import time
from collections.abc import Collection
from datetime import datetime

from nats.js import JetStreamContext
from sqlalchemy import Engine

from services.cases.service import CaseService
from services.reconcile.audit import compare_audit, read_witnessed, unknown_cases
from services.reconcile.cases import RecordedCase, read_cases, read_open_cases
from services.reconcile.deadlines import Deadlines
from services.reconcile.differences import Difference, ReconcileReport
from services.reconcile.stream import compare_stream
from services.reconcile.workflows import WorkflowComparison
from services.stream.losses import count_messages, read_published

AT_ONCE = 16
"""Cases compared side by side."""
PATIENCE_SECONDS = 5.0
"""How long a step may take to reach all four."""
RETRY_SECONDS = 0.1


class Reconciler:
    """Compares the four stores; without a stream it compares the others.

    Args:
        engine: The record.
        audit: The audit's store.
        service: The way to the workflows.
        js: The stream; None: there is no NATS.
        restart: Start workflows anew that are gone though their case is open.
    """

    def __init__(
        self,
        engine: Engine,
        audit: Engine,
        service: CaseService,
        js: JetStreamContext | None,
        *,
        restart: bool = False,
    ) -> None:
        self._engine, self._audit, self._js, self._service = engine, audit, js, service
        self._deadlines = Deadlines(engine, service)
        self._workflows = WorkflowComparison(service, self._deadlines, restart=restart)

    async def run(
        self, patience: float = PATIENCE_SECONDS, since: datetime | None = None
    ) -> ReconcileReport:
        """Compare every case, or those that changed at `since` or later.

        The system runs meanwhile, and the four cannot be read at one instant: what seems
        to differ is compared again until it does not, or `patience` (seconds) ends.
        """
        cases, found = await self._compare(None, since)
        repaired, left = _apart(found)
        end = time.monotonic() + patience
        while left and time.monotonic() < end:
            await asyncio.sleep(RETRY_SECONDS)
            _, found = await self._compare({each.case_id for each in left}, since)
            repaired_now, left = _apart(found)
            repaired += repaired_now
        return ReconcileReport(ok=not left, cases=cases, differences=[*repaired, *left])

    async def lacks_events(self) -> bool:
        """Return whether the stream or the audit holds fewer events than were published."""
        published = await asyncio.to_thread(read_published, self._engine)
        count = sum(map(len, published.values()))
        witnessed = await asyncio.to_thread(read_witnessed, self._audit)
        if sum(map(len, witnessed.values())) < count:
            return True
        return self._js is not None and await count_messages(self._js) < count

    async def _compare(
        self, only: set[str] | None, since: datetime | None
    ) -> tuple[int, list[Difference]]:
        """Compare all cases once, or some of them again.

        Returns:
            How many cases there are, and what differs.
        """
        self._deadlines.forget_working_days()
        cases = await asyncio.to_thread(read_cases, self._engine, since)
        witnessed = await asyncio.to_thread(read_witnessed, self._audit)
        gate, again = asyncio.Semaphore(AT_ONCE), only is not None

        async def one(case: RecordedCase) -> list[Difference]:
            async with gate:
                return await self._compare_case(case, witnessed.get(case.id, ()), again=again)

        wanted = [case for case in cases if only is None or case.id in only]
        found = await asyncio.gather(*(one(case) for case in wanted))
        differences = [*itertools.chain.from_iterable(found), *await self._deadlines.stale(only)]
        if since is None:  # who reads some cases only cannot tell which the record lacks
            differences += unknown_cases(cases, witnessed)
        else:  # the others did not change, but their workflows may have ended long ago
            differences += await self._missing({case.id for case in cases}, only)
        return len(cases), differences

    async def _missing(self, compared: set[str], only: set[str] | None) -> list[Difference]:
        """Return the open cases without a running workflow that were not compared one by one."""
        running = await self._service.running()  # first: a case that ends meanwhile is in it
        opened = await asyncio.to_thread(read_open_cases, self._engine)
        return await self._workflows.missing(
            {
                case_id: seq
                for case_id, seq in opened.items()
                if case_id not in running | compared and (only is None or case_id in only)
            }
        )

    async def _compare_case(
        self, case: RecordedCase, witnessed: Collection[int], *, again: bool
    ) -> list[Difference]:
        found = await self._workflows.compare(case, again=again)
        if self._js is not None:
            found += await compare_stream(self._engine, self._js, case)
        return found + compare_audit(case, witnessed)


def _apart(found: Collection[Difference]) -> tuple[list[Difference], list[Difference]]:
    """Return what was repaired, and what is left."""
    repaired = [each for each in found if each.repaired]
    return repaired, [each for each in found if not each.repaired]
