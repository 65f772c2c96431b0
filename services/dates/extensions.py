"""A deadline of its own for one unit's drafts, or for one case; what lapsed comes back by it."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.guards import Facts, refuse_past
from models.cases.lifecycle import Lifecycle
from models.refusals import Refused
from models.store.engine import reading
from services.cases.intake import prepare
from services.cases.requests import Request
from services.cases.rows import find_update
from services.cases.service import CaseService
from services.cases.standing import read_standing
from services.cases.views import CaseView
from services.clock import now
from services.dates.change import MilestoneChange
from services.dates.effects import SeasonEffects, read_case_with_end, unit_effects
from services.dates.plan import Effect, MovePlan, effect_of_extension
from services.seasons.cache import SeasonCache


class Extended(NamedTuple):
    """The drafts that were given a cutoff, and those that were reopened by it."""

    cases: list[str]
    reopened: list[str]


class Extensions:
    """Extends one unit, or one case."""

    def __init__(self, engine: Engine, service: CaseService) -> None:
        self._engine, self._service = engine, service

    async def extend_unit(self, unit_id: str, change: MilestoneChange) -> Extended:
        """Give one unit's drafts a cutoff of their own; those that lapsed are open again.

        Raises:
            Refused: `no_draft`, or the time or the reason is not accepted.
        """
        refuse_past(change.after, now())
        found = await asyncio.to_thread(_read_unit, self._engine, unit_id, change)
        done = Extended([], [])
        for request in _requests(found, change):
            await self._service.act(request)
            reopens = request.action is Action.REOPEN
            (done.reopened if reopens else done.cases).append(request.case_id)
        return done

    async def extend_case(self, request: Request) -> CaseView:
        """Give one case another deadline; one that the clock ended is reopened with it.

        Raises:
            Refused: The rules are against it; nothing changed.
            Unavailable: It may or may not be done: ask again with the same id.
        """
        return await self._service.act(await asyncio.to_thread(_reopening, self._engine, request))


def foresee_unit(engine: Engine, unit_id: str, change: MilestoneChange) -> MovePlan:
    """Return what a cutoff of its own does to a unit's drafts, and do nothing.

    Raises:
        Refused: `due_in_past`, `no_draft`, or the rules are against it.
    """
    at = now()
    refuse_past(change.after, at)
    found = _read_unit(engine, unit_id, change)
    for request in _requests(found, change):
        _refuse(engine, request, at)
    return MovePlan(season=change.season_id, after=change.after, cases=found.touched)


def foresee_case(engine: Engine, request: Request) -> MovePlan:
    """Return what an extension does to a case, and do nothing; of an ended one, nothing.

    Raises:
        Refused: The rules are against it.
    """
    at, until = now(), request.fields["until"]
    _refuse(engine, _reopening(engine, request), at)
    with reading(engine) as connection:
        case = read_case_with_end(connection, request.case_id)
    assert case is not None  # noqa: S101 - its rules were asked
    effect = effect_of_extension(case, until, at)
    before = None if effect is None else effect.before
    cases = () if effect is None else (effect,)
    return MovePlan(season=case["season_id"], before=before, after=until, cases=cases)


def _read_unit(engine: Engine, unit_id: str, change: MilestoneChange) -> SeasonEffects:
    with reading(engine) as connection:
        found = unit_effects(connection, change.season_id, unit_id, change.after, now())
    if not (found.touched or found.others):
        raise Refused("no_draft", f"单位 {unit_id} 在征集季 {change.season_id} 没有草稿。")
    return found


def _requests(found: SeasonEffects, change: MilestoneChange) -> list[Request]:
    """Return what is asked for each of a unit's drafts, in the order of their ids."""
    reopens = {each.id for each in found.touched if each.effect is Effect.REOPENS}
    fields = {"until": change.after}
    return [
        Request(
            case_id,
            Action.REOPEN if case_id in reopens else Action.MOVE_DEADLINE,
            fields,
            change.actor,
            change.reason,
        )
        for case_id in sorted([*(each.id for each in found.touched), *found.others])
    ]


def _reopening(engine: Engine, request: Request) -> Request:
    """Return the request, as a reopening where its case lapsed, or was reopened by this very id."""
    with reading(engine) as connection:
        done = find_update(connection, request.case_id, request.update_id)
        case = read_case_with_end(connection, request.case_id)
    lapsed = case is not None and case["lapsed_at"] is not None
    reopens = lapsed if done is None else done.action is Action.REOPEN
    return replace(request, action=Action.REOPEN) if reopens else request


def _refuse(engine: Engine, request: Request, at: datetime) -> None:
    """Refuse what the rules refuse; a case that awaits nothing is left to whoever acts on it.

    Raises:
        Refused: The role, the time or the state is against it.
    """
    cache = SeasonCache()
    _, command = prepare(engine, cache, request, keep=False)
    if command is None:  # done before
        return
    standing = read_standing(engine, cache, request.case_id, at)
    if any(standing.state in move.sources for move in ACTIONS[request.action].moves):
        Lifecycle(standing.state).check(request.action, Facts(command, at, standing))
