"""Move a date of a season, and tell every case that it touches."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, insert, select, update

from activities.database import reading, transaction
from activities.lines import read_case, season_dates
from activities.outlook import Horizon
from activities.seasons import SeasonDates
from models.commands import Actor, Role
from models.lifecycle import ENDED, Action, State
from models.refusals import Refused
from models.tables import Body, CaseRecord, Season, SeasonChange, table_of
from services.cases import CaseDesk
from services.clock import new_id
from services.requests import Request
from services.seasons import show_season

BODY = table_of(Body)
CASE_RECORD = table_of(CaseRecord)
SEASON = table_of(Season)
SEASON_CHANGE = table_of(SeasonChange)


class MilestoneMove(BaseModel):
    """What a moved date came to. `cases`: those whose deadline it changed."""

    id: str
    season: str
    milestone: str
    before: datetime | None
    after: datetime
    cases: list[str]


class Calendar:
    """The season's movable dates."""

    def __init__(self, engine: Engine, desk: CaseDesk) -> None:
        """Take the record, and the desk through which cases are told."""
        self._engine, self._desk = engine, desk

    async def move(
        self,
        season_id: str,
        milestone: str,
        after: datetime,
        *,
        reason: str,
        actor: Actor,
        now: datetime,
        body_id: str | None = None,
    ) -> MilestoneMove:
        """Move a milestone, or one body's own cutoff.

        Every open case whose deadline changes gets new timers and reminders, and the
        people concerned are told the old and the new time.

        Raises:
            Refused: No such season, milestone or body; no reason.
        """
        move = self._record(season_id, milestone, after, reason, actor, now, body_id)
        return move.model_copy(update={"cases": await self.apply(move.id, now)})

    async def apply(self, change_id: str, now: datetime) -> list[str]:
        """Tell every case that a recorded move touches; safe to repeat.

        Returns:
            The cases that were told.
        """
        with reading(self._engine) as connection:
            change = connection.execute(
                select(
                    SEASON_CHANGE.c.season_id, SEASON_CHANGE.c.actor, SEASON_CHANGE.c.reason
                ).where(SEASON_CHANGE.c.id == change_id)
            ).one()
            touched, others = _open_cases(connection, change.season_id)
        role, _, name = change.actor.partition(":")
        for case_id in touched:
            await self._desk.act(
                Request(
                    case_id,
                    Action.MOVE_DEADLINE,
                    actor=Actor(role=Role(role), id=name),
                    text=change.reason,
                    update_id=f"move:{change_id}",
                )
            )
        for case_id in others:  # their guards look at the moved date, their people need not
            await self._desk.catch_up(case_id)
        with transaction(self._engine) as connection:
            connection.execute(
                update(SEASON_CHANGE).where(SEASON_CHANGE.c.id == change_id).values(applied_at=now)
            )
        return touched

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

    def _record(
        self, season_id: str, milestone: str, after: datetime, reason: str, actor: Actor,
        now: datetime, body_id: str | None,
    ) -> MilestoneMove:  # fmt: skip
        if not reason.strip():
            raise Refused("reason_required", "请说明理由（--reason）。")
        season = show_season(self._engine, season_id)
        if milestone not in season.milestones or (body_id and milestone != "cutoff"):
            known = "、".join(season.milestones)
            raise Refused("unknown_milestone", f"没有日程节点 {milestone}，可选：{known}。")
        move = MilestoneMove(
            id=new_id("move"), season=season_id, milestone=milestone,
            before=season.milestones[milestone], after=after, cases=[],
        )  # fmt: skip
        with transaction(self._engine) as connection:
            before = _write(connection, move, body_id)
            connection.execute(
                insert(SEASON_CHANGE),
                {
                    "id": move.id, "season_id": season_id, "milestone": milestone,
                    "body_id": body_id, "before": before, "after": after, "reason": reason,
                    "actor": str(actor), "at": now,
                },
            )  # fmt: skip
        return move.model_copy(update={"before": before})


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
        deadline = Horizon(case, season_dates(case)).deadline(State(case["state"]), case["due"])
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
