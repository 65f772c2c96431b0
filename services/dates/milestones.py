"""Move a date of a season, and tell every case that it touches."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, insert, select, update

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.outlook import CaseDates, deadline_due
from models.cases.states import ENDED, State
from models.dates.milestones import SeasonDates
from models.programme.moments import YEARS
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import Body, CaseRecord, Season, SeasonChange, table_of
from models.wording import moment
from services.cases.requests import Request
from services.cases.rows import read_case
from services.cases.service import CaseService, WorkflowMissing
from services.clock import new_id, now
from services.seasons.queries import show_season

BODY = table_of(Body)
CASE_RECORD = table_of(CaseRecord)
SEASON = table_of(Season)
SEASON_CHANGE = table_of(SeasonChange)


@dataclass(frozen=True)
class MilestoneChange:
    """What somebody wants of the season's calendar.

    Attributes:
        milestone: Which date, e.g. `cutoff`.
        after: When it shall be (exclusive), a real instant.
        reason: Why; the people concerned read it.
        actor: The organiser; a body may move its own cutoff.
        body_id: The body whose own cutoff is meant; None: everybody's.
    """

    season_id: str
    milestone: str
    after: datetime
    reason: str
    actor: Actor
    body_id: str | None = None


class MilestoneMove(BaseModel):
    """What a moved date came to.

    `cases`: those that it moved; `missed`: those that it could not, as their workflow is gone,
    which a comparison of the records tells once it runs again.
    """

    id: str
    season: str
    milestone: str
    before: datetime | None
    after: datetime
    cases: list[str]
    missed: list[str]


class Milestones:
    """The season's movable dates."""

    def __init__(self, engine: Engine, service: CaseService) -> None:
        """Take the record, and the desk through which cases are told."""
        self._engine, self._service = engine, service

    async def move(self, moving: MilestoneChange) -> MilestoneMove:
        """Move a milestone, or one body's own cutoff.

        Every open case whose deadline changes gets new timers and reminders, and the
        people concerned are told the old and the new time.

        Raises:
            Refused: No such season, milestone or body; no reason; not theirs to move.
        """
        move = await asyncio.to_thread(self._record, moving)
        told, missed = await self.apply(move.id)
        return move.model_copy(update={"cases": told, "missed": missed})

    async def extend_unit(self, season_id: str, unit_id: str, moving: MilestoneChange) -> list[str]:
        """Give one unit's drafts a cutoff of their own; return the cases.

        Raises:
            Refused: The unit has no open draft, or the time or the reason will not do.
        """
        with reading(self._engine) as connection:
            drafts = connection.scalars(
                select(CASE_RECORD.c.id).where(
                    CASE_RECORD.c.season_id == season_id,
                    CASE_RECORD.c.unit_id == unit_id,
                    CASE_RECORD.c.state == State.DRAFT,
                )
            ).all()
        if not drafts:
            raise Refused("no_draft", f"单位 {unit_id} 在征集季 {season_id} 没有草稿。")
        for case_id in drafts:
            await self._service.act(
                Request(
                    case_id,
                    Action.MOVE_DEADLINE,
                    {"until": moving.after},
                    actor=moving.actor,
                    text=moving.reason,
                )
            )
        return list(drafts)

    async def apply(self, change_id: str) -> tuple[list[str], list[str]]:
        """Tell every case that a recorded move touches; return as `MilestoneMove` has them."""
        with reading(self._engine) as connection:
            change = connection.execute(
                select(
                    SEASON_CHANGE.c.season_id, SEASON_CHANGE.c.actor, SEASON_CHANGE.c.reason
                ).where(SEASON_CHANGE.c.id == change_id)
            ).one()
            touched, others = _open_cases(connection, change.season_id)
        role, _, name = change.actor.partition(":")
        missed = []
        for case_id in touched:
            request = Request(
                case_id,
                Action.MOVE_DEADLINE,
                actor=Actor(role=Role(role), id=name),
                text=change.reason,
                update_id=f"move:{change_id}",
            )
            try:
                with contextlib.suppress(Refused):  # it ended meanwhile: nothing awaits it
                    await self._service.act(request)
            except WorkflowMissing:
                missed.append(case_id)  # the others do not wait for it
        # Their guards look at the moved date, their people need not.
        await self._service.catch_up_each(others)
        with transaction(self._engine) as connection:
            connection.execute(
                update(SEASON_CHANGE)
                .where(SEASON_CHANGE.c.id == change_id)
                .values(applied_at=now())
            )
        return [case_id for case_id in touched if case_id not in missed], missed

    def unapplied(self) -> list[str]:
        """Return the moves that were recorded and not told to every case."""
        with reading(self._engine) as connection:
            return list(
                connection.scalars(
                    select(SEASON_CHANGE.c.id)
                    .where(SEASON_CHANGE.c.applied_at.is_(None))
                    .order_by(SEASON_CHANGE.c.at)
                )
            )

    def _record(self, moving: MilestoneChange) -> MilestoneMove:
        _refuse(moving)
        season = show_season(self._engine, moving.season_id)
        if moving.milestone not in season.milestones:
            known = "、".join(season.milestones)
            message = f"没有日程节点 {moving.milestone}，可选：{known}。"
            raise Refused("unknown_milestone", message)
        move = MilestoneMove(
            id=new_id("move"),
            season=moving.season_id,
            milestone=moving.milestone,
            before=season.milestones[moving.milestone],
            after=moving.after,
            cases=[],
            missed=[],
        )
        opens = season.milestones["opens"]
        if moving.milestone != "opens" and moving.after <= opens:
            raise Refused("before_opening", f"时间不能早于本季开始时间 {moment(opens)}。")
        with transaction(self._engine) as connection:
            before = _write(connection, move, moving.body_id)
            connection.execute(
                insert(SEASON_CHANGE),
                {
                    "id": move.id,
                    "season_id": moving.season_id,
                    "milestone": moving.milestone,
                    "body_id": moving.body_id,
                    "before": before,
                    "after": moving.after,
                    "reason": moving.reason.strip(),
                    "actor": str(moving.actor),
                    "at": now(),
                },
            )
        return move.model_copy(update={"before": before})


def _refuse(moving: MilestoneChange) -> None:
    actor = moving.actor
    own = actor.role is Role.BODY and moving.body_id == actor.id
    if actor.role is not Role.ORGANISER and not own:
        message = f"{actor} 不能调整日程：主办方可调整全部，推荐单位可调整本单位的截止时间。"
        raise Refused("role_not_allowed", message)
    if not moving.reason.strip():
        raise Refused("reason_required", "请说明理由（--reason）。")
    if moving.after.year not in YEARS:
        raise Refused("bad_date", f"日期应在 {YEARS[0]} 至 {YEARS[-1]} 年之间。")
    if moving.body_id is not None and moving.milestone != "cutoff":
        raise Refused("unknown_milestone", "推荐单位只有自己的 cutoff。")


def _open_cases(connection: Connection, season_id: str) -> tuple[list[str], list[str]]:
    """Return the open cases whose deadline is no longer what the dates say, and the others."""
    open_cases = connection.scalars(
        select(CASE_RECORD.c.id)
        .where(CASE_RECORD.c.season_id == season_id, CASE_RECORD.c.state.not_in([*ENDED]))
        .order_by(CASE_RECORD.c.id)
    ).all()
    touched: list[str] = []
    others: list[str] = []
    for case_id in open_cases:
        case = read_case(connection, case_id)
        deadline = deadline_due(case, CaseDates.of(case))
        (others if deadline == case["deadline"] else touched).append(case_id)
    return touched, others


def _write(connection: Connection, move: MilestoneMove, body_id: str | None) -> datetime | None:
    """Write the new date; return the old one."""
    row = connection.execute(
        select(SEASON.c.milestones, SEASON.c.anchor, SEASON.c.seconds_per_day).where(
            SEASON.c.id == move.season
        )
    ).one()
    pace = SeasonDates.of(row.milestones, row.anchor, row.seconds_per_day).pace
    civil = pace.civil(move.after)
    if body_id is None:
        milestones = {**row.milestones, move.milestone: civil.isoformat()}
        connection.execute(
            update(SEASON).where(SEASON.c.id == move.season).values(milestones=milestones)
        )
        return move.before
    where = (BODY.c.season_id == move.season, BODY.c.id == body_id)
    found = connection.execute(select(BODY.c.cutoff).where(*where)).one_or_none()
    if found is None:
        raise Refused("unknown_body", f"没有推荐单位 {body_id}。")
    connection.execute(update(BODY).where(*where).values(cutoff=civil))
    return None if found.cutoff is None else pace.real(found.cutoff)
