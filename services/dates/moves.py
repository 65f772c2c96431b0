"""Moved milestones on record: a new date, who moved it and why, and whether all cases know."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, Row, insert, select, update

from models import tables
from models.cases.actors import Actor, Role
from models.dates.milestones import SeasonDates
from models.dates.pace import Pace
from models.programme.moments import YEARS
from models.refusals import Refused, unknown_season
from models.store.engine import reading, transaction
from models.wording import moment
from services.clock import new_id, now


@dataclass(frozen=True)
class MilestoneChange:
    """A milestone to move.

    Attributes:
        milestone: Which date, e.g. `cutoff`.
        after: The new date (exclusive), a real instant.
        reason: Why; the people concerned read it.
        actor: The organiser; a body may move its own cutoff.
        body_id: The body whose own cutoff is moved; None: everybody's.
    """

    season_id: str
    milestone: str
    after: datetime
    reason: str
    actor: Actor
    body_id: str | None = None


class MilestoneMove(BaseModel):
    """A moved milestone and its effects.

    Attributes:
        cases: Those whose deadlines it moved.
        missed: Those that it did not reach, as their workflow is gone; a comparison of the
            records moves their deadlines once they have one.
    """

    id: str
    season: str
    milestone: str
    before: datetime | None
    after: datetime
    cases: list[str]
    missed: list[str]


def record_move(engine: Engine, change: MilestoneChange) -> MilestoneMove:
    """Put a moved milestone on record; no case knows of it yet.

    Raises:
        Refused: As `Milestones.move` does.
    """
    _refuse_request(change)
    with transaction(engine) as connection:
        season = _lock_season(connection, change.season_id)
        dates = SeasonDates.of(season.milestones, season.anchor, season.seconds_per_day)
        _refuse_date(change, dates)
        if change.body_id is None:
            before: datetime | None = dates.milestones[change.milestone]
            _write_milestone(connection, change, season.milestones, dates.pace)
        else:
            before = _read_cutoff(connection, change, dates.pace)
            _write_cutoff(connection, change, dates.pace)
        move_id = _write_change(connection, change, before)
    return MilestoneMove(
        id=move_id, season=change.season_id, milestone=change.milestone, before=before,
        after=change.after, cases=[], missed=[],
    )  # fmt: skip


def unapplied_moves(engine: Engine) -> list[str]:
    """Return the ids of moves that not every case knows yet, the oldest first."""
    changes = tables.season_change.c
    query = select(changes.id).where(changes.applied_at.is_(None)).order_by(changes.at)
    with reading(engine) as connection:
        return list(connection.scalars(query))


def mark_applied(engine: Engine, move_id: str) -> None:
    """Note that every case knows a move."""
    changes = tables.season_change
    applied = update(changes).where(changes.c.id == move_id).values(applied_at=now())
    with transaction(engine) as connection:
        connection.execute(applied)


def _refuse_request(change: MilestoneChange) -> None:
    """Refuse what can be refused without the record."""
    actor = change.actor
    own = actor.role is Role.BODY and change.body_id == actor.id
    if actor.role is not Role.ORGANISER and not own:
        message = f"{actor} 不能调整日程：主办方可调整全部，推荐单位可调整本单位的截止时间。"
        raise Refused("role_not_allowed", message)
    if not change.reason.strip():
        raise Refused("reason_required", "请说明理由（--reason）。")
    if change.after.year not in YEARS:
        raise Refused("bad_date", f"日期应在 {YEARS[0]} 至 {YEARS[-1]} 年之间。")
    if change.body_id is not None and change.milestone != "cutoff":
        raise Refused("unknown_milestone", "推荐单位只有自己的 cutoff。")


def _lock_season(connection: Connection, season_id: str) -> Row[*tuple[Any, ...]]:
    """Return a season's milestones and pace; no other move of the season goes on meanwhile.

    Milestones are one JSON value: of two moves at once the second would undo the first.
    """
    seasons = tables.season.c
    query = select(seasons.milestones, seasons.anchor, seasons.seconds_per_day)
    locked = query.where(seasons.id == season_id).with_for_update(key_share=True)
    found = connection.execute(locked).one_or_none()
    if found is None:
        raise unknown_season(season_id)
    return found


def _refuse_date(change: MilestoneChange, dates: SeasonDates) -> None:
    if change.milestone not in dates.milestones:
        known = "、".join(dates.milestones)
        message = f"没有日程节点 {change.milestone}，可选：{known}。"
        raise Refused("unknown_milestone", message)
    opens = dates.milestones["opens"]
    if change.milestone != "opens" and change.after <= opens:
        raise Refused("before_opening", f"时间不能早于本季开始时间 {moment(opens)}。")


def _write_milestone(
    connection: Connection, change: MilestoneChange, stored: dict[str, str], pace: Pace
) -> None:
    milestones = {**stored, change.milestone: pace.civil(change.after).isoformat()}
    season = update(tables.season).where(tables.season.c.id == change.season_id)
    connection.execute(season.values(milestones=milestones))


def _read_cutoff(connection: Connection, change: MilestoneChange, pace: Pace) -> datetime | None:
    """Return a body's own cutoff as a real instant; None where it has none."""
    query = select(tables.body.c.cutoff).filter_by(season_id=change.season_id, id=change.body_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise Refused("unknown_body", f"没有推荐单位 {change.body_id}。")
    return None if found.cutoff is None else pace.real(found.cutoff)


def _write_cutoff(connection: Connection, change: MilestoneChange, pace: Pace) -> None:
    own = update(tables.body).filter_by(season_id=change.season_id, id=change.body_id)
    connection.execute(own.values(cutoff=pace.civil(change.after)))


def _write_change(connection: Connection, change: MilestoneChange, before: datetime | None) -> str:
    move_id = new_id("move")
    row = {
        "id": move_id,
        "season_id": change.season_id,
        "milestone": change.milestone,
        "body_id": change.body_id,
        "before": before,
        "after": change.after,
        "reason": change.reason.strip(),
        "actor": str(change.actor),
        "at": now(),
    }
    connection.execute(insert(tables.season_change), row)
    return move_id
