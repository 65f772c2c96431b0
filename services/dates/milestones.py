"""Move a milestone of a season, and notify every case whose deadline it changes."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Engine, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.refusals import Refused
from models.store.engine import reading
from services.cases.requests import Request
from services.cases.service import CaseService, WorkflowMissing
from services.clock import now
from services.dates.change import MilestoneChange
from services.dates.effects import SeasonEffects, season_effects
from services.dates.moves import (
    MilestoneMove,
    mark_applied,
    record_move,
    unapplied_moves,
)
from services.dates.plan import CaseEffect, Effect

CLOCK = Actor(role=Role.SEASON, id="clock")
"""Who reopens what a body's own date had ended; a body itself may not."""


class Reached(NamedTuple):
    """What a move did: cases whose deadline it moved, cases without a workflow, cases reopened."""

    cases: list[str]
    missed: list[str]
    reopened: list[str]


class Milestones:
    """The movable dates of seasons; cases learn of a move through their service."""

    def __init__(self, engine: Engine, service: CaseService) -> None:
        self._engine, self._service = engine, service

    async def move(self, change: MilestoneChange) -> MilestoneMove:
        """Move a milestone, or one body's own cutoff.

        Every open case whose deadline changes gets new timers and reminders, drafts that lapsed
        by the old date are open again, and the people concerned are notified of the old and
        the new time.

        Raises:
            Refused: `role_not_allowed`, `reason_required`, `bad_date`, `unknown_season`,
                `unknown_milestone`, `before_opening`, `milestone_order`, `date_passed` or
                `unknown_body`.
        """
        move = await asyncio.to_thread(record_move, self._engine, change)
        return move.model_copy(update=(await self.apply(move.id))._asdict())

    async def apply(self, move_id: str) -> Reached:
        """Notify every case that a recorded move touches."""
        change, effects = await asyncio.to_thread(_read_effects, self._engine, move_id)
        requests = [_request(move_id, change, each) for each in effects.touched]
        missed = await self._send(requests)
        # The guards of the other cases look at the moved date too; nobody is notified.
        await self._service.catch_up_each(effects.others)
        await asyncio.to_thread(mark_applied, self._engine, move_id)
        reached = [each for each in effects.touched if each.id not in missed]
        return Reached(
            [each.id for each in reached if each.effect is not Effect.REOPENS],
            missed,
            [each.id for each in reached if each.effect is Effect.REOPENS],
        )

    def unapplied(self) -> list[str]:
        """Return the ids of moves that not every case knows yet, the oldest first."""
        return unapplied_moves(self._engine)

    async def _send(self, requests: Iterable[Request]) -> list[str]:
        """Send the requests; return the cases that have no workflow."""
        missed: list[str] = []
        for request in requests:
            try:
                await self._service.act(request)
            except Refused:
                continue  # it went on or ended meanwhile: this date awaits it no more
            except WorkflowMissing:
                missed.append(request.case_id)  # the others do not wait for it
        return missed


class _Recorded(NamedTuple):
    """Who moved a date, and why."""

    actor: Actor
    reason: str


def _read_effects(engine: Engine, move_id: str) -> tuple[_Recorded, SeasonEffects]:
    changes = tables.season_change
    with reading(engine) as connection:
        change = connection.execute(select(changes).where(changes.c.id == move_id)).one()
        effects = season_effects(connection, change.season_id, now())
    return _Recorded(Actor.parse(change.actor), change.reason), effects


def _request(move_id: str, change: _Recorded, effect: CaseEffect) -> Request:
    reopens = effect.effect is Effect.REOPENS
    clock = reopens and change.actor.role is not Role.ORGANISER
    return Request(
        effect.id,
        Action.REOPEN if reopens else Action.MOVE_DEADLINE,
        actor=CLOCK if clock else change.actor,
        text=change.reason,
        update_id=f"move:{move_id}",
    )
