"""Moved milestones on record: a new date, who moved it and why, and whether all cases know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, Row, insert, select, update

from models import tables
from models.dates.milestones import SeasonDates
from models.dates.pace import Pace
from models.programme.milestones import milestone_moment
from models.refusals import Refused, unknown_season
from models.store.engine import reading, transaction
from services.clock import new_id, now
from services.dates.change import MilestoneChange, moved_milestones, refuse_request
from services.dates.effects import PlannedDates, season_effects
from services.dates.plan import MovePlan, summary


class MilestoneMove(BaseModel):
    """A moved milestone and its effects.

    Attributes:
        cases: Those whose deadlines it moved.
        missed: Those that it did not reach, as their workflow is gone; a comparison of the
            records moves their deadlines once they have one.
        reopened: Those that had lapsed by the old date, and are open again.
    """

    id: str
    season: str
    milestone: str
    before: datetime | None
    after: datetime
    cases: list[str]
    missed: list[str]
    reopened: list[str]


class _Judged(NamedTuple):
    """A change that keeps the rules: what it moves (real instants), and what stands before."""

    moved: Mapping[str, datetime]
    before: datetime | None
    dates: SeasonDates
    stored: dict[str, str]

    def along(self, change: MilestoneChange) -> tuple[str, ...]:
        """Return the milestones that move with the one that was named."""
        return tuple(name for name in self.moved if name != change.milestone)


def foresee_move(engine: Engine, change: MilestoneChange) -> MovePlan:
    """Return what a move would do, and do nothing.

    Raises:
        Refused: As `record_move` does.
    """
    refuse_request(change)
    with reading(engine) as connection:
        judged = _judge(connection, change)
        return _plan(connection, change, judged, now())


def record_move(engine: Engine, change: MilestoneChange) -> MilestoneMove:
    """Put a moved milestone on record; no case knows of it yet.

    Raises:
        Refused: As `Milestones.move` does.
    """
    refuse_request(change)
    with transaction(engine) as connection:
        judged = _judge(connection, change, lock=True)
        if change.body_id is None:
            _write_milestones(connection, change, judged)
        else:
            _write_cutoff(connection, change, judged.dates.pace)
        move_id = _write_change(connection, change, judged.before)
        for name in judged.along(change):
            # The move itself reaches its cases too.
            along = {"milestone": name, "applied_at": now()}
            _write_change(connection, change, judged.dates.milestones[name], **along)
    return MilestoneMove(
        id=move_id, season=change.season_id, milestone=change.milestone, before=judged.before,
        after=change.after, cases=[], missed=[], reopened=[],
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


def _read_season(
    connection: Connection, season_id: str, *, lock: bool = False
) -> Row[*tuple[Any, ...]]:
    """Return a season's milestones and pace.

    Args:
        connection: Where to read.
        season_id: The season.
        lock: Let no other move of the season go on meanwhile: milestones are one JSON value, and
            of two moves at once the second would undo the first.
    """
    seasons = tables.season.c
    query = select(seasons.milestones, seasons.anchor, seasons.seconds_per_day)
    query = query.where(seasons.id == season_id)
    found = connection.execute(
        query.with_for_update(key_share=True) if lock else query
    ).one_or_none()
    if found is None:
        raise unknown_season(season_id)
    return found


def _judge(connection: Connection, change: MilestoneChange, *, lock: bool = False) -> _Judged:
    """Return what a change moves.

    Raises:
        Refused: The date breaks a rule, or has come already and that was not meant.
    """
    season = _read_season(connection, change.season_id, lock=lock)
    dates = SeasonDates.of(season.milestones, season.anchor, season.seconds_per_day)
    moved = moved_milestones(change, dates.milestones)
    if change.body_id is None:
        before: datetime | None = dates.milestones[change.milestone]
    else:
        before = _read_cutoff(connection, change, dates.pace)
    judged, at = _Judged(moved, before, dates, season.milestones), now()
    if change.after <= at and not change.closes:
        effect = summary(_plan(connection, change, judged, at))
        after = milestone_moment(change.milestone, change.after)
        message = f"时间 {after} 已过。{effect}确要现在截止，请用 --now。"
        raise Refused("date_passed", message)
    return judged


def _plan(
    connection: Connection, change: MilestoneChange, judged: _Judged, at: datetime
) -> MovePlan:
    """Return what a change does to every case."""
    pace = judged.dates.pace
    if change.body_id is None:
        planned = PlannedDates({name: pace.civil(when) for name, when in judged.moved.items()})
    else:
        planned = PlannedDates(body_id=change.body_id, body_cutoff=pace.civil(change.after))
    return MovePlan(
        season=change.season_id, milestone=change.milestone, body=change.body_id,
        before=judged.before, after=change.after, along=judged.along(change),
        cases=season_effects(connection, change.season_id, at, planned).touched,
    )  # fmt: skip


def _write_milestones(connection: Connection, change: MilestoneChange, judged: _Judged) -> None:
    pace = judged.dates.pace
    moved = {name: pace.civil(after).isoformat() for name, after in judged.moved.items()}
    season = update(tables.season).where(tables.season.c.id == change.season_id)
    connection.execute(season.values(milestones={**judged.stored, **moved}))


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


def _write_change(
    connection: Connection, change: MilestoneChange, before: datetime | None, **other: object
) -> str:
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
        **other,
    }
    connection.execute(insert(tables.season_change), row)
    return move_id
