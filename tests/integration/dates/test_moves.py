"""A moved milestone is on record with its old date; two moves at once keep both dates."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update

from models import tables
from models.cases.actors import Actor, Role
from models.refusals import Refused
from models.store.engine import reading, transaction
from services.dates.change import MilestoneChange
from services.dates.moves import mark_applied, record_move, unapplied_moves
from services.seasons.queries import show_season
from tests.factories import OPENS, programme

ORGANISER = Actor(role=Role.ORGANISER, id="organiser")
LATER = OPENS + timedelta(days=55)
"""A week after the cutoff, and before the formal check is to be done."""


def change(season: str, milestone: str = "cutoff", **given: Any) -> MilestoneChange:
    wanted = MilestoneChange(season, milestone, LATER, " （示例）顺延 ", ORGANISER, closes=True)
    return replace(wanted, **given)


def cutoff_of(engine: Engine, body: str) -> datetime | None:
    with reading(engine) as connection:
        found: datetime | None = connection.scalar(
            select(tables.body.c.cutoff).where(tables.body.c.id == body)
        )
    return found


def test_a_moved_milestone_is_on_record_with_its_old_date(engine: Engine, season: str) -> None:
    before = show_season(engine, season).milestones
    move = record_move(engine, change(season))
    assert (move.season, move.milestone, move.cases, move.missed) == (season, "cutoff", [], [])
    assert (move.before, move.after) == (before["cutoff"], LATER)
    assert show_season(engine, season).milestones == {**before, "cutoff": LATER}
    with reading(engine) as connection:
        row = connection.execute(select(tables.season_change)).one()
    assert (row.id, row.before, row.after) == (move.id, before["cutoff"], LATER)
    assert (row.reason, row.actor, row.body_id) == ("（示例）顺延", "organiser:organiser", None)


def test_a_body_moves_its_own_cutoff(engine: Engine, season: str) -> None:
    own = {body.id: programme().cutoff_for(body) for body in programme().bodies if body.cutoff}
    body, before = next(iter(own.items()))
    actor = Actor(role=Role.BODY, id=body)
    move = record_move(engine, change(season, actor=actor, body_id=body))
    assert (move.before, cutoff_of(engine, body)) == (before, LATER)
    again = record_move(engine, change(season, actor=actor, body_id=body))
    assert again.before == LATER


def test_a_body_without_a_cutoff_of_its_own_gets_one(engine: Engine, season: str) -> None:
    body = next(body.id for body in programme().bodies if body.cutoff is None)
    move = record_move(engine, change(season, body_id=body))
    assert (move.before, cutoff_of(engine, body)) == (None, LATER)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"actor": Actor(role=Role.BODY, id="fujian")}, "role_not_allowed"),
        ({"actor": Actor(role=Role.BODY, id="fujian"), "body_id": "hunan"}, "role_not_allowed"),
        ({"reason": "  "}, "reason_required"),
        ({"after": datetime(2300, 1, 1, tzinfo=OPENS.tzinfo)}, "bad_date"),
        ({"milestone": "opens", "body_id": "fujian"}, "unknown_milestone"),
        ({"milestone": "nonsense"}, "unknown_milestone"),
        ({"after": OPENS - timedelta(days=30)}, "before_opening"),
        ({"season_id": "1999"}, "unknown_season"),
        ({"body_id": "nobody"}, "unknown_body"),
    ],
)
def test_what_is_refused_leaves_nothing_on_record(
    engine: Engine, season: str, given: dict[str, Any], code: str
) -> None:
    before = show_season(engine, season).milestones
    with pytest.raises(Refused, match=code):
        record_move(engine, change(season, **given))
    assert show_season(engine, season).milestones == before
    assert unapplied_moves(engine) == []


def test_a_move_waits_until_it_is_marked(engine: Engine, season: str) -> None:
    first = record_move(engine, change(season)).id
    second = record_move(engine, change(season, "formal_check")).id
    assert unapplied_moves(engine) == [first, second]
    mark_applied(engine, first)
    assert unapplied_moves(engine) == [second]


def test_of_two_moves_at_once_neither_is_undone(engine: Engine, season: str) -> None:
    """Milestones are one value of one row; the second move has to read what the first wrote."""
    with ThreadPoolExecutor(1) as other:
        with transaction(engine) as connection:
            seasons = tables.season
            stored = connection.scalars(select(seasons.c.milestones)).one()
            moved = {**stored, "expert_review": LATER.isoformat()}
            connection.execute(update(seasons).values(milestones=moved))
            second = other.submit(record_move, engine, change(season, "formal_check"))
            if engine.dialect.name == "postgresql":  # SQLite lets no second writer begin
                _until_somebody_waits(engine)
        second.result()
    found = show_season(engine, season).milestones
    assert (found["expert_review"], found["formal_check"]) == (LATER, LATER)


def _until_somebody_waits(engine: Engine) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    count = 0
    while not count:
        with reading(engine) as connection:
            count = connection.scalar(waiting) or 0
