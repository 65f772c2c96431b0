"""Deadlines that a moved date passed by, and plans that are behind: found, repaired, then clean."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text, update

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.messages import CaseSnapshot
from models.store.engine import open_engine, reading, transaction
from services.cases.service import CaseService
from services.clock import now
from services.dates.change import MilestoneChange
from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.reconcile.runs import reconcile
from tests.slack import stretch
from tests.waiting import until
from tests.workflow.case import Case
from tests.workflow.world import SEASON, World


@pytest.fixture
def comparing(world: World, audit: Engine) -> Reconciler:
    return Reconciler(world.engine, audit, world.service, None)


async def _kinds(reconciler: Reconciler, since: datetime | None = None) -> list[tuple[str, bool]]:
    report = await reconciler.run(0.5, since)
    assert report.ok == all(found.repaired for found in report.differences)
    return [(found.kind, found.repaired) for found in report.differences]


async def _filed_while_a_date_moves(world: World, after: datetime) -> Case:
    """Leave what a filing leaves whose commit read the date before a move, and came after it.

    So it can come on PostgreSQL; SQLite has one writer at a time.
    """
    case = await world.draft()
    before = await _milestone(world, "body_review")
    assert await world.move("body_review", after) == []
    world.set_milestone("body_review", before)
    await case.act(Action.SUBMIT)
    world.set_milestone("body_review", after)
    assert case.view.deadline == before
    return case


async def _milestone(world: World, name: str) -> datetime:
    columns = tables.season.c
    with reading(world.engine) as connection:
        milestones = connection.scalars(select(columns.milestones)).one()
    return datetime.fromisoformat(milestones[name])


async def test_a_deadline_that_a_moved_date_passed_by_is_found_and_moved(
    world: World, comparing: Reconciler
) -> None:
    after = now() + timedelta(days=15)
    async with world.worker():
        case, other = await _filed_while_a_date_moves(world, after), await world.draft()
        # Whether the case changed since the last run is all the same.
        assert await _kinds(comparing, since=now()) == [("deadline_stale", True)]
        assert case.view.deadline == after == (await case.snapshot()).deadline
        assert case.actions == [Action.SUBMIT, Action.MOVE_DEADLINE]
        told = case.rows[-1]
        assert (told.actor_role, told.actor_id, told.reason) == (
            "organiser", "organiser", "（示例）顺延",
        )  # fmt: skip
        assert other.rows == []
        assert await _kinds(comparing) == []
        await case.agrees()


async def test_a_date_that_is_being_moved_is_no_difference(
    world: World, comparing: Reconciler
) -> None:
    async with world.worker():
        case = await _filed_while_a_date_moves(world, now() + timedelta(days=15))
        with transaction(world.engine) as connection:
            connection.execute(update(tables.season_change).values(applied_at=None))
        assert await _kinds(comparing) == []
        milestones = Milestones(world.engine, world.service)
        report = await reconcile(world.engine, comparing, milestones)  # it notifies first
        assert report.differences == []
        assert case.actions == [Action.SUBMIT, Action.MOVE_DEADLINE]


@pytest.mark.parametrize("cut_short", [False, True])
async def test_a_case_without_a_workflow_holds_up_no_move_and_is_told_once_it_runs(
    world: World, audit: Engine, *, cut_short: bool
) -> None:
    after, milestones = now() + timedelta(days=15), Milestones(world.engine, world.service)
    async with world.worker():
        draft, lost, other = [await world.draft() for _ in range(3)]
        for case in (lost, other):
            await case.act(Action.SUBMIT)
        for case in (draft, lost):
            await case.handle.terminate()
        organiser = Actor(role=Role.ORGANISER, id="organiser")
        moving = MilestoneChange(SEASON, "body_review", after, "（示例）顺延", organiser)
        moved = await milestones.move(moving)
        assert (moved.cases, moved.missed) == ([other.id], [lost.id])
        if cut_short:  # and whoever moved it died
            with transaction(world.engine) as connection:
                connection.execute(update(tables.season_change).values(applied_at=None))
        comparing = Reconciler(world.engine, audit, world.service, None, restart=True)
        report = await reconcile(world.engine, comparing, milestones)
        assert report.ok
        assert lost.view.deadline == other.view.deadline == after
        assert lost.actions == other.actions == [Action.SUBMIT, Action.MOVE_DEADLINE]
        assert draft.actions == []
        for case in (draft, lost, other):
            await case.agrees()


async def test_a_date_that_nobody_moved_by_command_is_reported_and_not_spread(
    world: World, comparing: Reconciler
) -> None:
    async with world.worker():
        case = await world.draft()
        world.set_milestone("cutoff", now() + timedelta(days=5))
        report = await comparing.run(0)
    [found] = report.differences
    assert (found.kind, found.repaired, report.ok) == ("deadline_stale", False, False)
    assert "season move" in found.message
    assert case.rows == []


async def test_a_workflow_that_plans_otherwise_than_the_record_plans_again(
    world: World, comparing: Reconciler
) -> None:
    world.forget_years()
    async with world.worker():
        case = await world.draft()
        assert await _kinds(comparing) == []
        world.enter_years()  # and who entered them was cut short
        assert await _kinds(comparing) == [("agenda_behind", True)]
        assert [item.offset for item in (await case.snapshot()).agenda.items] == [7, 3, 1, 0]
        assert await _kinds(comparing) == []


async def test_while_reminders_go_out_and_deadlines_pass_nothing_differs(
    world: World, comparing: Reconciler
) -> None:
    world.hurry(stretch(0.4), days_left=11)
    async with world.worker():
        case = await world.draft()
        ended = asyncio.create_task(case.handle.result())
        while not ended.done():
            assert await _kinds(comparing) == []
        assert await _kinds(comparing) == []
    assert case.actions[-1] == Action.LAPSE


class TellingDesk(CaseService):
    """The desk, which says when somebody lets a case look at its record."""

    def __init__(self, world: World) -> None:
        super().__init__(world.engine, world.client)
        self.asked = asyncio.Event()

    async def catch_up(self, case_id: str) -> CaseSnapshot:
        self.asked.set()
        return await super().catch_up(case_id)


@pytest.mark.postgres
async def test_a_filing_in_the_very_moment_of_a_move_is_found_on_postgres(
    world: World, postgres_urls: tuple[str, str]
) -> None:
    engine, audit = map(open_engine, postgres_urls)
    own = World(engine, world.client, world.queue)
    own.open_season()
    own.service = service = TellingDesk(own)
    after = now() + timedelta(days=15)
    async with own.worker():
        case = await own.draft()
        with transaction(engine) as holds:  # the filing has read the dates, and cannot end
            holds.execute(text("LOCK TABLE outbox IN EXCLUSIVE MODE"))
            filing = asyncio.create_task(case.act(Action.SUBMIT))
            await until(lambda: _waits_for_a_lock(engine))
            move = asyncio.create_task(own.move("body_review", after))
            await service.asked.wait()  # the move saw a draft, which it does not touch
        await filing
        assert await move == []
        assert case.view.deadline != after
        comparing = Reconciler(engine, audit, service, None)
        assert await _kinds(comparing) == [("deadline_stale", True)]
        assert case.view.deadline == after
        assert await _kinds(comparing) == []
        await case.agrees()
    for each in (engine, audit):
        each.dispose()


def _waits_for_a_lock(engine: Engine) -> bool:
    with reading(engine) as connection:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(connection.scalar(text(waiting)))
