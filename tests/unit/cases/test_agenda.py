"""The agenda: reminders and deadlines, each once, none early, none after the end."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cases.actions.names import Action
from models.cases.agenda import AT_DEADLINE, Agenda, AgendaItem, plan
from models.cases.lifecycle import RULES
from models.cases.states import AT_WORK, AWAITED_FROM, LAPSES, MILESTONE, State
from models.dates.pace import Pace
from models.dates.working_days import WorkingDays
from models.programme.reminders import Reminders
from models.wording import BEIJING
from tests.factories import programme
from tests.working_days import official_working_days

WORKING_DAYS = official_working_days(2024, 2024)
WEEKDAYS = WorkingDays(years=frozenset(range(2020, 2031)))
CUTOFF = datetime(2024, 5, 12, 16, tzinfo=UTC)
"""The end of Sunday 12 May 2024 in Beijing, a make-up working day before it on Saturday."""
OPENS = datetime(2024, 3, 25, tzinfo=UTC)
REAL = Pace(anchor=OPENS)
OFFSETS = (7, 3, 1)
REMINDERS = Reminders(working_days=OFFSETS)


def _plan(
    deadline: datetime | None,
    now: datetime = OPENS,
    working_days: WorkingDays = WORKING_DAYS,
    pace: Pace = REAL,
) -> Agenda:
    return plan(deadline, now, reminders=REMINDERS, working_days=working_days, pace=pace)


def _offsets(agenda: Agenda) -> list[int]:
    return [item.offset for item in agenda.items]


def test_a_cutoff_is_announced_on_working_mornings_before_it() -> None:
    agenda = _plan(CUTOFF)
    assert [(item.offset, item.at) for item in agenda.items] == [
        (7, datetime(2024, 4, 30, 1, tzinfo=UTC)),
        (3, datetime(2024, 5, 9, 1, tzinfo=UTC)),
        (1, datetime(2024, 5, 11, 1, tzinfo=UTC)),
        (AT_DEADLINE, CUTOFF),
    ]
    assert {item.deadline for item in agenda.items} == {CUTOFF}
    assert agenda.blocked_by is None


def test_ids_name_the_deadline_and_the_offset() -> None:
    assert [item.id for item in _plan(CUTOFF).items] == [
        "20240512T160000.000000/T-7",
        "20240512T160000.000000/T-3",
        "20240512T160000.000000/T-1",
        "20240512T160000.000000/T-0",
    ]


def test_nothing_is_planned_where_nothing_is_due() -> None:
    assert _plan(None) == Agenda()
    assert Agenda().next_due(OPENS) is None


def test_reminders_that_would_lie_behind_are_not_planned() -> None:
    assert _offsets(_plan(CUTOFF, datetime(2024, 5, 9, 0, 59, 59, tzinfo=UTC))) == [3, 1, 0]
    assert _offsets(_plan(CUTOFF, datetime(2024, 5, 9, 1, tzinfo=UTC))) == [1, 0]
    assert _offsets(_plan(CUTOFF, CUTOFF + timedelta(days=1))) == [0]


@pytest.mark.parametrize("years", [range(2025, 2027), range(0)])
def test_a_year_without_working_days_plans_the_deadline_alone(years: range) -> None:
    agenda = _plan(CUTOFF, working_days=WorkingDays(years=frozenset(years)))
    assert _offsets(agenda) == [AT_DEADLINE]
    assert "2024" in (agenda.blocked_by or "")


def test_at_a_fast_pace_the_distances_shrink_and_stay_in_order() -> None:
    pace = Pace(anchor=OPENS, seconds_per_day=1)
    deadline = pace.real(CUTOFF)
    slow, fast = _plan(CUTOFF), _plan(deadline, pace=pace)
    assert _offsets(fast) == _offsets(slow)
    assert [item.at for item in fast.items] == [pace.real(item.at) for item in slow.items]


def test_the_first_item_ahead_is_next() -> None:
    agenda = _plan(CUTOFF)
    assert agenda.next_due(OPENS) == agenda.items[0]
    first = agenda.items[0]
    assert agenda.next_due(first.at) == first
    assert agenda.without(first).next_due(first.at) == agenda.items[1]


def test_after_downtime_the_last_of_those_that_are_due_stands_for_all() -> None:
    agenda = _plan(CUTOFF)
    late = agenda.next_due(agenda.items[2].at + timedelta(hours=1))
    assert late == agenda.items[2]
    assert _offsets(agenda.without(late)) == [AT_DEADLINE]
    missed = agenda.next_due(CUTOFF + timedelta(days=3))
    assert missed == agenda.items[-1]
    assert agenda.without(missed).items == ()


def test_what_is_done_leaves_another_deadline_alone() -> None:
    """A deadline that was moved nearer while an item of the old one was being done."""
    done = _plan(CUTOFF).items[1]
    nearer = _plan(done.at - timedelta(minutes=5), done.at - timedelta(hours=1))
    assert nearer.without(done) == nearer


def test_every_state_at_work_awaits_somebody_who_can_act() -> None:
    assert set(AWAITED_FROM) == set(AT_WORK)
    for state, role in AWAITED_FROM.items():
        acts = {who for rule in RULES if state in rule.sources for who in rule.roles}
        assert role in acts


def test_only_states_with_a_rule_for_it_lapse() -> None:
    assert {s for rule in RULES if rule.action is Action.LAPSE for s in rule.sources} == LAPSES


def test_every_deadline_is_a_milestone_of_the_call() -> None:
    milestones = programme().instants()
    assert set(MILESTONE.values()) <= set(milestones)
    own_due = {State.DRAFT, State.CORRECTION}
    assert set(MILESTONE) == set(AT_WORK) - own_due


# --- whatever happens -------------------------------------------------------------------

INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them naive
PACES = st.floats(0.05, 86_400).map(lambda seconds: Pace(anchor=OPENS, seconds_per_day=seconds))
STEPS = st.lists(
    st.tuples(st.floats(0, 40), st.none() | st.floats(0.01, 60)), min_size=1, max_size=12
)
"""What comes: so many civil days pass, then the deadline may move to so many from then."""


@settings(deadline=None)
@given(start=INSTANTS, days=st.floats(0, 60), pace=PACES)
def test_planned_items_lie_ahead_and_none_behind_the_deadline(
    start: datetime, days: float, pace: Pace
) -> None:
    deadline = pace.real(pace.civil(start) + timedelta(days=days))
    agenda = _plan(deadline, start, WEEKDAYS, pace)
    assert list(agenda.items) == sorted(agenda.items, key=lambda item: item.at)
    assert all(start < item.at <= deadline for item in agenda.items if item.offset)
    assert [item.at for item in agenda.items if not item.offset] == [deadline]
    assert len({item.id for item in agenda.items}) == len(agenda.items)


@settings(deadline=None)
@given(start=INSTANTS, steps=STEPS)
def test_a_life_with_moved_deadlines(
    start: datetime, steps: list[tuple[float, float | None]]
) -> None:
    """Never early, never twice, none after the deadline; the deadline itself always."""
    now, deadline = start, start + timedelta(days=20)
    agenda, done = _plan(deadline, now, WEEKDAYS), list[AgendaItem]()
    for passing, moved in steps:
        now += timedelta(days=passing)
        while (item := agenda.next_due(now)) is not None and item.at <= now:
            assert item.deadline == deadline
            assert not any(
                other.offset < item.offset for other in done if other.deadline == deadline
            )
            done.append(item)
            agenda = agenda.without(item)
        if moved is not None and deadline > now:
            deadline = now + timedelta(days=moved)
            agenda = _plan(deadline, now, WEEKDAYS)
    assert len({item.id for item in done}) == len(done)
    assert (deadline <= now) == any(
        item.offset == AT_DEADLINE and item.deadline == deadline for item in done
    )


def test_reminders_go_out_at_the_time_of_day_that_the_programme_says() -> None:
    late = Reminders(working_days=(1,), at=time(14, 30))
    planned = plan(CUTOFF, OPENS, reminders=late, working_days=WORKING_DAYS, pace=REAL)
    assert planned.items[0].at.astimezone(BEIJING).time() == time(14, 30)
