"""What a moved date does to each case: a table over rows, and the words for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.cases.outlook import CaseDates
from models.cases.states import State
from models.dates.milestones import SeasonDates
from models.dates.pace import REAL, Pace
from services.dates.plan import (
    CaseEffect,
    Effect,
    MovePlan,
    describe,
    effect_of_extension,
    effect_on,
    summary,
)

E, S = Effect, State
NOW = datetime(2024, 5, 20, 2, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE = NOW + 5 * DAY


def row(state: State = S.DRAFT, **changes: Any) -> dict[str, Any]:
    case = {
        "id": "case_1", "title": "（示例）", "state": state, "deadline": BEFORE, "due": None,
        "lapsed_at": None,
    }  # fmt: skip
    return {**case, **changes}


def dates(cutoff: datetime, extended: datetime | None = None) -> CaseDates:
    milestones = {"cutoff": cutoff, "body_review": cutoff}
    season = SeasonDates(milestones, Pace(anchor=NOW, seconds_per_day=REAL))
    return CaseDates(season, None, extended)


@pytest.mark.parametrize(
    ("case", "cutoff", "effect"),
    [
        (row(), NOW + 9 * DAY, E.LATER),
        (row(), NOW + DAY, E.EARLIER),
        (row(), NOW, E.LAPSES),
        (row(), NOW - DAY, E.LAPSES),
        (row(S.PROVINCE_REVIEW), NOW - DAY, E.OVERDUE),
        (row(S.RECOMMENDATION), NOW + DAY, E.EARLIER),
        (row(), BEFORE, None),
        (row(due=BEFORE), NOW + 9 * DAY, None),  # a due date of its own
        (row(S.CORRECTION, due=BEFORE), NOW - DAY, None),
        (row(S.WITHDRAWN, deadline=None, lapsed_at=NOW - DAY), NOW + DAY, None),
        (row(S.LAPSED, deadline=None, lapsed_at=NOW - DAY), NOW + DAY, E.REOPENS),
        (row(S.LAPSED, deadline=None, lapsed_at=NOW - DAY), NOW, None),
        (row(S.LAPSED, deadline=None, lapsed_at=NOW - 2 * DAY), NOW + DAY, None),  # by its own due
        (row(S.LAPSED, deadline=None), NOW + DAY, None),
    ],
)
def test_what_becomes_of_a_case(
    case: dict[str, Any], cutoff: datetime, effect: Effect | None
) -> None:
    found = effect_on(case, dates(cutoff), NOW, {NOW - DAY})
    assert (found and found.effect) == effect
    assert found is None or found.after == cutoff


def test_a_unit_that_has_longer_keeps_what_it_was_given() -> None:
    assert effect_on(row(), dates(NOW - DAY, extended=BEFORE), NOW) is None


@pytest.mark.parametrize(
    ("case", "until", "effect"),
    [
        (row(), NOW + 9 * DAY, E.LATER),
        (row(S.PROVINCE_REVIEW), NOW + DAY, E.EARLIER),
        (row(), BEFORE, None),
        (row(S.PUBLISHED, deadline=None), NOW + DAY, None),
        (row(S.LAPSED, deadline=None, lapsed_at=NOW - DAY), NOW + DAY, E.REOPENS),
        (row(S.WITHDRAWN, deadline=None, lapsed_at=NOW - DAY), NOW + DAY, E.REOPENS),
        (row(S.WITHDRAWN, deadline=None), NOW + DAY, None),
    ],
)
def test_what_an_extension_does(
    case: dict[str, Any], until: datetime, effect: Effect | None
) -> None:
    found = effect_of_extension(case, until, NOW)
    assert (found and found.effect) == effect


def plan(*effects: Effect, **changes: Any) -> MovePlan:
    cases = tuple(
        CaseEffect(
            id=f"case_{n}", title="（示例）", state=S.DRAFT, effect=effect, before=BEFORE, after=NOW
        )
        for n, effect in enumerate(effects)
    )
    values = {"season": "2024", "milestone": "cutoff", "before": BEFORE, "after": BEFORE + DAY}
    return MovePlan(**{**values, **changes}, cases=cases)


@pytest.mark.parametrize(
    ("found", "dangerous"),
    [
        (plan(), False),
        (plan(E.LATER, E.REOPENS), False),
        (plan(E.LATER, E.EARLIER), True),
        (plan(E.LAPSES), True),
        (plan(E.OVERDUE), True),
        (plan(after=BEFORE - DAY), True),
        (plan(before=None), False),
    ],
)
def test_what_takes_time_from_somebody_is_dangerous(found: MovePlan, dangerous: bool) -> None:
    assert found.dangerous is dangerous


def test_it_says_how_many_which_lapse_and_by_how_much() -> None:
    found = plan(*[E.LAPSES] * 12, E.LATER, E.LATER, after=NOW, along=("body_review",))
    first, second, *ends = describe(found).splitlines()
    assert first == (
        "申报推荐截止由 2024-05-25（周六）10:00 改为 2024-05-20（周一）10:00，提前 5 天。"
        "省级审核截止随之改为同一时间。"
    )
    assert second == "影响 14 件案例：12 件随即逾期终止，2 件期限延后。"
    assert ends[0] == "  随即逾期终止：case_0《（示例）》"
    assert (len(ends), ends[-1][:10]) == (11, "  ……共 12 件"[:10])
    assert summary(found) == first + second
    assert summary(plan()).endswith("推后 1 天。没有案例受影响。")
