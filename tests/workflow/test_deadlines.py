"""Deadlines and reminders on real timers: each once, none early, none after the end."""

from datetime import timedelta

import pytest

from models.cases.actions.names import Action
from models.cases.states import State
from services.clock import now
from tests.slack import stretch
from tests.waiting import until
from tests.workflow.world import World
from workflows import names

A, S = Action, State


async def test_a_draft_lapses_at_its_deadline(served: World) -> None:
    case = await served.draft()
    due = await case.due_soon(A.MOVE_DEADLINE, "until")
    assert (await case.handle.result())["state"] == S.LAPSED
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE]
    assert case.rows[-1].at >= due
    assert (case.rows[-1].actor_role, case.rows[-1].actor_id) == ("season", "clock")
    assert case.rows[-1].update_id == f"{names.TIMER_UPDATE}{due:%Y%m%dT%H%M%S.%f}/T-0"
    await case.agrees()


async def test_a_correction_that_does_not_come_withdraws_the_case(served: World) -> None:
    case = await served.draft()
    await case.walk(A.SUBMIT, A.ACCEPT, A.RECOMMEND)
    await case.due_soon(A.REQUEST_CORRECTION, "due")
    assert (await case.handle.result())["state"] == S.WITHDRAWN
    assert case.actions[-2:] == [A.REQUEST_CORRECTION, A.LAPSE]
    await case.agrees()


async def test_a_case_that_awaits_an_office_is_overdue_and_lives(served: World) -> None:
    case = await served.draft()
    await case.act(A.SUBMIT)
    await case.due_soon(A.MOVE_DEADLINE, "until")
    await case.has_done(A.SUBMIT, A.MOVE_DEADLINE, A.EXPIRE)
    assert case.view.state is S.PROVINCE_REVIEW
    assert (await case.snapshot()).overdue
    assert "，已逾期" in await case.details()
    await case.agrees()
    await case.act(A.ACCEPT)
    assert not (await case.snapshot()).overdue
    assert "已逾期" not in await case.details()
    await case.agrees()


async def test_each_reminder_goes_out_once_and_none_early(world: World) -> None:
    cutoff = world.hurry(stretch(0.4), days_left=11)
    async with world.worker():
        case = await world.draft()
        due = {item.offset: item.at for item in case.planned}
        assert (list(due), due[0]) == ([7, 3, 1, 0], cutoff)
        await case.handle.result()
    done = [row.command.get("offset", 0) for row in case.rows]
    assert done == sorted(set(done), reverse=True)
    assert {1, 0} <= set(done) <= set(due)  # on a slow machine a later one stands for an earlier
    assert all(row.at >= due[offset] for row, offset in zip(case.rows, done, strict=True))
    assert [*case.actions] == [A.REMIND] * (len(done) - 1) + [A.LAPSE]


@pytest.mark.parametrize("looked_at_first", [False, True])
async def test_after_downtime_one_message_catches_up(world: World, looked_at_first: bool) -> None:
    world.hurry(stretch(0.25), days_left=17, holidays=12)
    case = await world.draft()
    *_, earlier, reminder, lapse = case.planned
    assert (earlier.offset, reminder.offset, lapse.offset) == (3, 1, 0)
    await until(lambda: now() >= reminder.at)
    look = await case.queued_catch_up("req_1") if looked_at_first else None
    async with world.worker():
        await case.handle.result()
        await case.agrees()
    assert case.actions == [A.REMIND, A.LAPSE]
    assert case.rows[0].command["offset"] == 1
    assert reminder.at <= case.rows[0].at < lapse.at <= case.rows[1].at
    if look is not None:
        assert (await look).case_id == case.id


async def test_a_deadline_moved_away_does_nothing_when_its_old_time_comes(served: World) -> None:
    case = await served.draft()
    await case.due_soon(A.MOVE_DEADLINE, "until")
    later = now() + timedelta(days=60)
    await case.act(A.MOVE_DEADLINE, until=later)
    await case.rang()
    assert case.actions == [A.MOVE_DEADLINE, A.MOVE_DEADLINE]
    assert (await case.snapshot()).deadline == later
    await case.agrees()


async def test_an_earlier_deadline_does_not_wait_for_the_timer_that_stands(served: World) -> None:
    case = await served.draft()
    await case.act(A.MOVE_DEADLINE, until=now() + timedelta(days=60))
    await case.due_soon(A.MOVE_DEADLINE, "until")
    await case.handle.result()
    assert case.actions == [A.MOVE_DEADLINE, A.MOVE_DEADLINE, A.LAPSE]
    await case.agrees()


async def test_a_moved_milestone_reaches_the_cases_that_it_touches(served: World) -> None:
    draft, checked = await served.draft(), await served.draft()
    await checked.walk(A.SUBMIT, A.ACCEPT, A.RECOMMEND)
    due = now() + timedelta(seconds=stretch(1))
    assert await served.move("cutoff", due) == [draft.id]
    await draft.handle.result()
    assert draft.actions == [A.MOVE_DEADLINE, A.LAPSE]
    assert draft.rows[-1].at >= due
    await checked.act(A.PASS_FORMAL_CHECK)  # its guard knows the new cutoff, and it has passed
    await draft.agrees()
    await checked.agrees()


async def test_the_clock_waits_where_dates_were_moved_and_nobody_told_the_case(
    served: World,
) -> None:
    due = now() + timedelta(seconds=stretch(1.5))
    served.set_milestone("cutoff", due)
    case = await served.draft()
    served.set_milestone("cutoff", now() + timedelta(days=60))
    await until(lambda: now() >= due)
    await case.rang()
    assert case.rows == []
    assert case.view.state is S.DRAFT
    soon = now() + timedelta(seconds=stretch(0.2))
    assert await served.move("cutoff", soon) == [case.id]
    await case.handle.result()
    assert case.actions == [A.MOVE_DEADLINE, A.LAPSE]
    assert case.rows[-1].at >= soon
    await case.agrees()


async def test_nothing_rings_once_nothing_is_awaited(served: World) -> None:
    case = await served.draft()
    await case.walk(A.SUBMIT, A.ACCEPT, A.RECOMMEND, A.REQUEST_CORRECTION)
    served.set_milestone("cutoff", now() - timedelta(hours=1))
    await case.walk(A.RESUBMIT, A.PASS_FORMAL_CHECK, A.SELECT)
    await case.due_soon(A.MOVE_DEADLINE, "until")
    await case.act(A.PUBLISH)
    await case.rang()
    assert (await case.snapshot()).agenda.items == ()
    assert case.actions[-1] == A.PUBLISH


async def test_reminders_are_planned_once_the_calendar_is_entered(world: World) -> None:
    world.forget_years()
    async with world.worker():
        case = await world.draft()
        assert (await case.snapshot()).agenda.blocked_by is not None
        world.enter_years()
        await world.service.catch_up(case.id)
        agenda = (await case.snapshot()).agenda
        assert [item.offset for item in agenda.items] == [7, 3, 1, 0]
        assert agenda.blocked_by is None
        assert "提醒待定" not in await case.details()
        await case.agrees()
