"""Compare the deadlines of the record, of the season's dates and of the workflow.

A case that takes a step at the very moment in which a date is moved may keep the old
deadline: its commit read the old date, and the move did not see its step yet.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, exists, or_, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor
from models.cases.columns import Columns
from models.cases.messages import CaseSnapshot, Outlook
from models.cases.outlook import NATIONAL_CUTOFF, CaseDates, outlook
from models.cases.states import MILESTONE, State
from models.refusals import Refused
from models.store.engine import reading
from models.wording import moment
from services.cases.requests import Request
from services.cases.rows import read_case
from services.cases.service import CaseService, WorkflowMissing
from services.clock import now
from services.dates.deadlines import dated_cases
from services.reconcile.differences import Difference, difference
from services.seasons.cache import SeasonCache


@dataclass(frozen=True)
class StaleDeadline:
    """A case whose deadline is not what its season's dates say."""

    case: Columns
    wanted: datetime | None

    def __str__(self) -> str:
        """Say what differs."""
        stands, wanted = (_shown(each) for each in (self.case["deadline"], self.wanted))
        return f"期限仍是 {stands}，按征集日程应为 {wanted}"


class Deadlines:
    """Compares deadlines, and repairs them as a moved milestone would have set them."""

    def __init__(self, engine: Engine, service: CaseService) -> None:
        self._engine, self._service = engine, service
        self._cache = SeasonCache()

    def forget_working_days(self) -> None:
        """Forget the working days that the last comparison read."""
        self._cache.forget_working_days()

    async def stale(self, only: set[str] | None) -> list[Difference]:
        """Move the deadlines that a moved milestone did not reach.

        A case does not change when its season does, so it does not matter when it changed.

        Args:
            only: The cases to look at; None: every open one.
        """
        found = await asyncio.to_thread(lambda: list(read_stale(self._engine)))
        wanted = [each for each in found if only is None or each.case["id"] in only]
        return [await self._move(each) for each in wanted]

    async def agenda(
        self, case_id: str, snapshot: CaseSnapshot, *, repair: bool
    ) -> Difference | None:
        """Compare what a workflow plans with what the record would plan.

        Args:
            case_id: Which case.
            snapshot: What the workflow says.
            repair: Make the workflow plan anew; otherwise a difference is only noted, as
                the workflow may be about to learn of it.
        """
        if not await asyncio.to_thread(self._differs, case_id, snapshot):
            return None
        what = "流程中的期限或提醒与记录不符"
        if repair:
            after = await self._service.catch_up(case_id)
            if not await asyncio.to_thread(self._differs, case_id, after):
                what = f"{what}，已重新安排"
                return difference("agenda_behind", case_id, what, repaired=True)
        return difference("agenda_behind", case_id, what)

    async def _move(self, stale: StaleDeadline) -> Difference:
        case_id, repaired = stale.case["id"], False
        request = await asyncio.to_thread(_request, self._engine, stale.case)
        if request is None:
            done = "没有相应的日程调整记录，请执行 tuixuan season move 重新设定该日期"
        else:
            try:
                await self._service.act(request)
                done, repaired = "已调整并通知", True
            except (Refused, WorkflowMissing) as why:
                done = why.message
        return difference("deadline_stale", case_id, f"{stale}；{done}", repaired=repaired)

    def _differs(self, case_id: str, snapshot: CaseSnapshot) -> bool:
        """Return whether the workflow plans something else; False where either has moved on."""
        with reading(self._engine) as connection:
            case = read_case(connection, case_id)
            if case["seq"] != snapshot.seq:
                return False
            programme = self._cache.programme(connection, case["season_id"])
            working_days, at = self._cache.working_days(connection), now()
        record = outlook(case, CaseDates.of(case), programme, working_days, at)
        # The workflow may have done already what is due by now.
        return _planned(record, at) != _planned(snapshot, at)


def read_stale(engine: Engine) -> Iterator[StaleDeadline]:
    """Yield the open cases whose deadline is no longer what the dates say.

    One statement sees cases, dates and moves as of one instant. Where cases are still being
    notified of a move, nothing is stale yet.
    """
    changes, cases = tables.season_change.c, tables.case_record.c
    moving = exists().where(changes.season_id == cases.season_id, changes.applied_at.is_(None))
    with reading(engine) as connection:
        for case, wanted in dated_cases(connection, ~moving):
            if wanted != case["deadline"]:
                yield StaleDeadline(case, wanted)


def _request(engine: Engine, case: Columns) -> Request | None:
    """Return what the move that passed a case by would have asked of it; None: there is none."""
    milestone = MILESTONE.get(State(case["state"]), NATIONAL_CUTOFF)
    changes = tables.season_change.c
    query = (
        select(changes.id, changes.actor, changes.reason)
        .where(
            changes.season_id == case["season_id"],
            changes.milestone == milestone,
            or_(changes.body_id.is_(None), changes.body_id == case["body_id"]),
        )
        .order_by(changes.at.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        change = connection.execute(query).one_or_none()
    if change is None:
        return None
    return Request(
        case["id"],
        Action.MOVE_DEADLINE,
        actor=Actor.parse(change.actor),
        text=change.reason,
        update_id=f"move:{change.id}:{case['seq']}",
    )


def _planned(ahead: CaseSnapshot | Outlook, after: datetime) -> object:
    """Return what is planned from an instant on, so that it can be compared."""
    items = [(item.at, item.deadline, item.offset) for item in ahead.agenda.items]
    known = ahead.agenda.blocked_by is None
    return ahead.deadline, ahead.overdue, known, [item for item in items if item[0] > after]


def _shown(deadline: datetime | None) -> str:
    return "无" if deadline is None else moment(deadline)
