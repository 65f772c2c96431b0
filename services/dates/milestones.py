"""Move a milestone of a season, and notify every case whose deadline it changes."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Engine, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import reading
from services.cases.requests import Request
from services.cases.service import CaseService, WorkflowMissing
from services.dates.deadlines import dated_cases
from services.dates.moves import (
    MilestoneChange,
    MilestoneMove,
    mark_applied,
    record_move,
    unapplied_moves,
)


class Milestones:
    """The movable dates of seasons; cases learn of a move through their service."""

    def __init__(self, engine: Engine, service: CaseService) -> None:
        self._engine, self._service = engine, service

    async def move(self, change: MilestoneChange) -> MilestoneMove:
        """Move a milestone, or one body's own cutoff.

        Every open case whose deadline changes gets new timers and reminders, and the
        people concerned are notified of the old and the new time.

        Raises:
            Refused: `role_not_allowed`, `reason_required`, `bad_date`, `unknown_season`,
                `unknown_milestone`, `before_opening` or `unknown_body`.
        """
        move = await asyncio.to_thread(record_move, self._engine, change)
        moved, missed = await self.apply(move.id)
        return move.model_copy(update={"cases": moved, "missed": missed})

    async def extend_unit(self, season_id: str, unit_id: str, change: MilestoneChange) -> list[str]:
        """Give one unit's drafts a cutoff of their own; return the cases.

        Raises:
            Refused: `no_draft`, or the time or the reason is not accepted.
        """
        drafts = await asyncio.to_thread(_read_drafts, self._engine, season_id, unit_id)
        if not drafts:
            raise Refused("no_draft", f"单位 {unit_id} 在征集季 {season_id} 没有草稿。")
        for case_id in drafts:
            fields = {"until": change.after}
            await self._service.act(
                Request(case_id, Action.MOVE_DEADLINE, fields, change.actor, change.reason)
            )
        return drafts

    async def apply(self, move_id: str) -> tuple[list[str], list[str]]:
        """Notify every case that a recorded move touches.

        Returns:
            The cases whose deadlines it moved, and those that have no workflow.
        """
        effect = await asyncio.to_thread(_read_effect, self._engine, move_id)
        missed = await self._move_deadlines(effect.requests)
        # The guards of the other cases look at the moved date too; nobody is notified.
        await self._service.catch_up_each(effect.others)
        await asyncio.to_thread(mark_applied, self._engine, move_id)
        touched = [request.case_id for request in effect.requests]
        return [case_id for case_id in touched if case_id not in missed], missed

    def unapplied(self) -> list[str]:
        """Return the ids of moves that not every case knows yet, the oldest first."""
        return unapplied_moves(self._engine)

    async def _move_deadlines(self, requests: Iterable[Request]) -> list[str]:
        """Send the requests; return the cases that have no workflow."""
        missed: list[str] = []
        for request in requests:
            try:
                with contextlib.suppress(Refused):  # it ended meanwhile: nothing awaits it
                    await self._service.act(request)
            except WorkflowMissing:
                missed.append(request.case_id)  # the others do not wait for it
        return missed


class _Effect(NamedTuple):
    """What a move asks of each case that it touches, and the other open cases of its season."""

    requests: Sequence[Request]
    others: Sequence[str]


def _read_effect(engine: Engine, move_id: str) -> _Effect:
    changes, cases = tables.season_change, tables.case_record.c
    requests: list[Request] = []
    others: list[str] = []
    with reading(engine) as connection:
        change = connection.execute(select(changes).where(changes.c.id == move_id)).one()
        actor = Actor.parse(change.actor)
        for case, deadline in dated_cases(connection, cases.season_id == change.season_id):
            if deadline == case["deadline"]:
                others.append(case["id"])
            else:
                requests.append(
                    Request(
                        case["id"],
                        Action.MOVE_DEADLINE,
                        actor=actor,
                        text=change.reason,
                        update_id=f"move:{move_id}",
                    )
                )
    return _Effect(requests, others)


def _read_drafts(engine: Engine, season_id: str, unit_id: str) -> list[str]:
    cases = tables.case_record.c
    query = select(cases.id).where(
        cases.season_id == season_id, cases.unit_id == unit_id, cases.state == State.DRAFT
    )
    with reading(engine) as connection:
        return list(connection.scalars(query))
