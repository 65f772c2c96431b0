"""What a move would do is told before it is done, by the same rows and rules."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import reading
from services.cases.requests import Request
from services.dates import extensions, moves
from services.dates.change import MilestoneChange
from services.dates.effects import season_effects
from services.dates.extensions import foresee_case, foresee_unit
from services.dates.moves import foresee_move, record_move
from services.dates.plan import Effect
from services.seasons.queries import show_season
from tests.factories import OPENS, commit, make_case

ORGANISER = Actor(role=Role.ORGANISER, id="organiser")
DAY = timedelta(days=1)
NOW = OPENS + 20 * DAY
ELSEWHERE = {"location": "浙江省"}
"""A body without a cutoff of its own."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (moves, extensions):
        monkeypatch.setattr(module, "now", lambda: NOW)


def change(after: datetime, milestone: str = "cutoff", **given: Any) -> MilestoneChange:
    return replace(MilestoneChange("2024", milestone, after, "x", ORGANISER), **given)


def effects(engine: Engine, moved: MilestoneChange) -> dict[str, Effect]:
    return {each.id: each.effect for each in foresee_move(engine, moved).cases}


def milestones(engine: Engine) -> dict[str, datetime]:
    return show_season(engine, "2024").milestones


@pytest.mark.usefixtures("season")
class TestMoves:
    def test_the_effect_of_each_case_is_told_and_nothing_done(self, engine: Engine) -> None:
        draft, filed = (
            make_case(engine, state=state, **ELSEWHERE)
            for state in (State.DRAFT, State.RECOMMENDATION)
        )
        make_case(engine)  # Fujian's own cutoff is earlier
        before = milestones(engine)
        found = foresee_move(engine, change(before["cutoff"] + 5 * DAY))
        assert {each.id: each.effect for each in found.cases} == {
            draft: Effect.LATER, filed: Effect.LATER
        }  # fmt: skip
        assert (found.before, found.dangerous) == (before["cutoff"], False)
        earlier = foresee_move(engine, change(NOW + DAY))
        assert earlier.counts == {Effect.EARLIER: 3}
        assert (earlier.along, earlier.dangerous) == (("body_review",), True)
        assert milestones(engine) == before

    def test_a_date_that_has_come_is_refused_with_the_count_of_what_it_ends(
        self, engine: Engine
    ) -> None:
        draft = make_case(engine)
        yesterday = change(NOW - DAY)
        for work in (foresee_move, record_move):
            with pytest.raises(Refused, match=r"date_passed: .*1 件随即逾期终止.*--now"):
                work(engine, yesterday)
        assert effects(engine, replace(yesterday, closes=True)) == {draft: Effect.LAPSES}

    @pytest.mark.parametrize(
        ("milestone", "days", "named"),
        [
            ("cutoff", 100, ("formal_check", "cutoff")),
            ("formal_check", 30, ("formal_check", "cutoff")),
            ("body_review", 60, ("cutoff", "body_review")),
            ("notice_end", 50, ("notice_end", "notice_start")),
            ("opens", 60, ("cutoff", "opens")),
        ],
    )
    def test_milestones_keep_their_order(
        self, engine: Engine, milestone: str, days: int, named: tuple[str, str]
    ) -> None:
        before = milestones(engine)
        for work in (foresee_move, record_move):
            with pytest.raises(Refused, match="milestone_order") as refused:
                work(engine, change(OPENS + days * DAY, milestone))
            assert all(name in refused.value.message for name in named)
        assert milestones(engine) == before

    def test_the_review_ends_with_an_earlier_cutoff(self, engine: Engine) -> None:
        case_id = make_case(engine, state=State.PROVINCE_REVIEW)
        earlier = NOW + DAY
        move = record_move(engine, change(earlier))
        assert (milestones(engine)["cutoff"], milestones(engine)["body_review"]) == (
            earlier, earlier,
        )  # fmt: skip
        rows = tables.season_change
        with reading(engine) as connection:
            found = connection.execute(select(rows).order_by(rows.c.id)).all()
            touched = season_effects(connection, "2024", NOW).touched
        assert {row.milestone: row.applied_at is None for row in found} == {
            "cutoff": True, "body_review": False,
        }  # fmt: skip
        assert moves.unapplied_moves(engine) == [move.id]
        assert [(each.id, each.effect) for each in touched] == [(case_id, Effect.EARLIER)]

    def test_what_lapsed_by_a_date_comes_back_when_it_moves_on(self, engine: Engine) -> None:
        def lapse(by: datetime, **fields: Any) -> str:
            case_id = make_case(engine, **fields)
            commit(engine, case_id, Action.LAPSE, update_id=f"timer:{by:%Y%m%dT%H%M%S.%f}/T-0")
            return case_id

        by_cutoff = milestones(engine)["cutoff"]
        by_date, later = lapse(by_cutoff, **ELSEWHERE), by_cutoff + 3 * DAY
        by_its_own_due = lapse(NOW - 2 * DAY, **ELSEWHERE)
        lapse(by_cutoff)  # Fujian's own cutoff stays where it is, and has passed by then
        moves_on = by_cutoff + DAY
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(moves, "now", lambda: moves_on)
            found = effects(engine, change(later))
        assert found == {by_date: Effect.REOPENS}
        record_move(engine, change(moves_on, closes=True))
        record_move(engine, change(later, closes=True))
        with reading(engine) as connection:
            touched = season_effects(connection, "2024", moves_on).touched
        assert {each.id: each.after for each in touched} == {by_date: later}
        assert by_its_own_due not in found


@pytest.mark.usefixtures("season")
class TestExtensions:
    def test_a_unit_that_gets_less_is_told(self, engine: Engine) -> None:
        case_id = make_case(engine)
        with reading(engine) as connection:
            unit = connection.scalars(select(tables.case_record.c.unit_id)).one()
        shorter = foresee_unit(engine, unit, change(NOW + DAY))
        assert (shorter.counts, shorter.dangerous) == ({Effect.EARLIER: 1}, True)
        commit(engine, case_id, Action.LAPSE, update_id="timer:20240412T160000.000000/T-0")
        back = foresee_unit(engine, unit, change(NOW + DAY))
        assert (back.counts, back.dangerous) == ({Effect.REOPENS: 1}, False)
        with pytest.raises(Refused, match="due_in_past"):
            foresee_unit(engine, unit, change(NOW))
        with pytest.raises(Refused, match="no_draft"):
            foresee_unit(engine, "unit_none", change(NOW + DAY))

    def test_one_case_is_asked_the_rules_first_and_keeps_no_text(self, engine: Engine) -> None:
        case_id = make_case(engine)
        fields = {"until": NOW + DAY}
        request = Request(case_id, Action.MOVE_DEADLINE, fields, ORGANISER, text="（示例）")
        found = foresee_case(engine, request)
        assert found.counts == {Effect.EARLIER: 1}
        with reading(engine) as connection:
            assert connection.scalars(select(tables.case_reason.c.text)).all() == []
        stranger = replace(request, actor=Actor(role=Role.PANEL, id="x"))
        with pytest.raises(Refused, match="role_not_allowed"):
            foresee_case(engine, stranger)
        with pytest.raises(Refused, match="due_in_past"):
            foresee_case(engine, replace(request, fields={"until": NOW}))
        with pytest.raises(Refused, match="unknown_case"):
            foresee_case(engine, replace(request, case_id="case_none"))
