"""A season's milestones are parsed once, at the season's pace."""

from datetime import UTC, datetime, timedelta

from models.dates.milestones import SeasonDates
from models.dates.pace import REAL, Pace

OPENING = datetime(2024, 3, 25, tzinfo=UTC)
CUTOFF = OPENING + timedelta(days=48)
STORED = {"opens": OPENING.isoformat(), "cutoff": CUTOFF.isoformat()}


def test_at_the_real_pace_milestones_are_what_is_stored() -> None:
    dates = SeasonDates.of(STORED, OPENING, REAL)

    assert dates == SeasonDates({"opens": OPENING, "cutoff": CUTOFF}, Pace(anchor=OPENING))


def test_a_rehearsal_keeps_civil_distances_at_its_own_pace() -> None:
    dates = SeasonDates.of(STORED, OPENING, 0.5)

    assert dates.milestones == {"opens": OPENING, "cutoff": OPENING + timedelta(seconds=24)}
    assert dates.pace == Pace(anchor=OPENING, seconds_per_day=0.5)
