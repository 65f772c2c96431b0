"""Deadlines that the record, the season's dates and the workflow do not agree on.

A case that takes a step in the very moment in which a date is moved may keep the old
deadline: its commit read the old date, and the move did not see its step yet.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, exists, or_, select

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.columns import Columns
from models.cases.messages import CaseSnapshot, Outlook
from models.cases.outlook import NATIONAL_CUTOFF, CaseDates, deadline_due, outlook
from models.cases.states import ENDED, MILESTONE, State
from models.refusals import Refused
from models.store.engine import reading
from models.tables import CaseRecord, SeasonChange, table_of
from models.wording import moment
from services.cases.requests import Request
from services.cases.rows import CASES_WITH_DATES, read_case
from services.cases.service import CaseService, WorkflowMissing
from services.clock import now
from services.reconcile.differences import Difference, difference
from services.seasons.cache import SeasonCache

_CASES, _CHANGES = table_of(CaseRecord), table_of(SeasonChange)


@dataclass(frozen=True)
class Stale:
    """A case whose deadline is not what its season's dates say."""

    case: Columns
    wanted: datetime | None

    def __str__(self) -> str:
        """Say what differs."""
        stands, wanted = (_said(each) for each in (self.case["deadline"], self.wanted))
        return f"期限仍是 {stands}，按征集日程应为 {wanted}"


class Deadlines:
    """Compares them, and repairs forward as a moved date does."""

    def __init__(self, engine: Engine, service: CaseService) -> None:
        """Take the record, and the desk through which cases are told."""
        self._engine, self._service = engine, service
        self._cache = SeasonCache()

    def forget_working_days(self) -> None:
        """Forget the working days of the last look."""
        self._cache.forget_working_days()

    async def stale(self, only: set[str] | None) -> list[Difference]:
        """Move the deadlines that a moved date did not reach; of every open case, or of some.

        A case does not change when its season does: so it does not matter when it changed.
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
            repair: Make the workflow plan again; otherwise a difference is only noted, as
                it may be about to be told.
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

    async def _move(self, stale: Stale) -> Difference:
        case_id, repaired = stale.case["id"], False
        request = await asyncio.to_thread(_request, self._engine, stale)
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
        """Tell whether the workflow plans something else; no, where either has moved on."""
        with reading(self._engine) as connection:
            case = read_case(connection, case_id)
            if case["seq"] != snapshot.seq:
                return False
            programme = self._cache.programme(connection, case["season_id"])
            working_days, at = self._cache.working_days(connection), now()
        record = outlook(case, CaseDates.of(case), programme, working_days, at)
        # What is due by now, the workflow may have done already.
        return _planned(record, at) != _planned(snapshot, at)


def read_stale(engine: Engine) -> Iterator[Stale]:
    """Yield the open cases whose deadline is no longer what the dates say.

    One statement sees cases, dates and moves as of one instant. Where a move is still being
    told, nothing is stale yet.
    """
    moving = exists().where(
        _CHANGES.c.season_id == _CASES.c.season_id, _CHANGES.c.applied_at.is_(None)
    )
    query = CASES_WITH_DATES.where(_CASES.c.state.not_in([*ENDED]), ~moving)
    with reading(engine) as connection:
        for row in connection.execute(query.order_by(_CASES.c.id)).mappings():
            case: Columns = dict(row)
            wanted = deadline_due(case, CaseDates.of(case))
            if wanted != case["deadline"]:
                yield Stale(case, wanted)


def _request(engine: Engine, stale: Stale) -> Request | None:
    """Return what the move that passed a case by would have asked of it; None: there is none."""
    case = stale.case
    milestone = MILESTONE.get(State(case["state"]), NATIONAL_CUTOFF)
    query = (
        select(_CHANGES.c.id, _CHANGES.c.actor, _CHANGES.c.reason)
        .where(
            _CHANGES.c.season_id == case["season_id"],
            _CHANGES.c.milestone == milestone,
            or_(_CHANGES.c.body_id.is_(None), _CHANGES.c.body_id == case["body_id"]),
        )
        .order_by(_CHANGES.c.at.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        change = connection.execute(query).one_or_none()
    if change is None:
        return None
    role, _, name = change.actor.partition(":")
    return Request(
        case["id"],
        Action.MOVE_DEADLINE,
        actor=Actor(role=Role(role), id=name),
        text=change.reason,
        update_id=f"move:{change.id}:{case['seq']}",
    )


def _planned(ahead: CaseSnapshot | Outlook, after: datetime) -> object:
    """Return what is planned from an instant on, so that it can be compared."""
    items = [(item.at, item.deadline, item.offset) for item in ahead.agenda.items]
    known = ahead.agenda.blocked_by is None
    return ahead.deadline, ahead.overdue, known, [item for item in items if item[0] > after]


def _said(deadline: datetime | None) -> str:
    return "无" if deadline is None else moment(deadline)
