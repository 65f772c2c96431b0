"""What a moved date does to each case that it touches, told before anything is done. Pure."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from models.cases.columns import Columns
from models.cases.outlook import CaseDates, deadline_due
from models.cases.states import FINAL, LAPSES, State
from models.programme.milestones import BEGINNINGS
from models.wording import EFFECTS, MILESTONES, moment

LISTED = 10
"""How many of the cases that end are named in words; data name all."""
_SAME = timedelta(milliseconds=1)
"""A fast pace rounds instants."""


class Effect(StrEnum):
    """What becomes of a case."""

    LAPSES = "lapses"
    OVERDUE = "overdue"
    EARLIER = "earlier"
    LATER = "later"
    REOPENS = "reopens"


class CaseEffect(BaseModel):
    """What a move does to one case. `before`: of a lapsed case, the deadline that ended it."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    state: State
    effect: Effect
    before: datetime | None
    after: datetime


class MovePlan(BaseModel):
    """A moved date and what it does.

    Attributes:
        milestone: Which date of the season; None: the cutoff of a unit or a case alone.
        before: The date that it moves; None: there is none, or each case has its own.
        along: Other milestones that move with it, as they must not lie after it.
    """

    model_config = ConfigDict(frozen=True)

    season: str
    milestone: str | None = None
    body: str | None = None
    before: datetime | None = None
    after: datetime
    along: tuple[str, ...] = ()
    cases: tuple[CaseEffect, ...]

    @computed_field  # type: ignore[prop-decorator] # pydantic's own way
    @property
    def counts(self) -> dict[Effect, int]:
        """How many cases of each effect, the gravest first."""
        found = Counter(case.effect for case in self.cases)
        return {effect: found[effect] for effect in Effect if found[effect]}

    @computed_field  # type: ignore[prop-decorator] # as above
    @property
    def dangerous(self) -> bool:
        """Whether it takes time from somebody: a date comes earlier, or something ends."""
        earlier = self.before is not None and self.after < self.before
        return earlier or bool({Effect.LAPSES, Effect.OVERDUE, Effect.EARLIER} & set(self.counts))


def effect_on(
    case: Columns, dates: CaseDates, now: datetime, ended_by: Collection[datetime] = ()
) -> CaseEffect | None:
    """Return what becomes of a case once its season has these dates; None: nothing.

    Args:
        case: Its columns; of a lapsed one with `lapsed_at`, the deadline that ended it.
        dates: Its dates after the move.
        now: This instant.
        ended_by: The dates that are moved on now: what one of them ended comes back.
    """
    state = State(case["state"])
    if state is State.LAPSED:
        before, after = case["lapsed_at"], dates.cutoff
        ended = before is not None and any(abs(before - each) < _SAME for each in ended_by)
        return _told(case, Effect.REOPENS, before, after) if ended and after > now else None
    before, after_ = case["deadline"], deadline_due(case, dates)
    if state in FINAL or after_ is None or after_ == before:
        return None
    return _told(case, _effect(state, before, after_, now), before, after_)


def effect_of_extension(case: Columns, until: datetime, now: datetime) -> CaseEffect | None:
    """Return what becomes of a case that is given a deadline of its own; None: nothing.

    Args:
        case: Its columns; of one that the clock ended with `lapsed_at`.
        until: Its new deadline.
        now: This instant.
    """
    if case["lapsed_at"] is not None:
        return _told(case, Effect.REOPENS, case["lapsed_at"], until) if until > now else None
    before, state = case["deadline"], State(case["state"])
    if before is None or before == until:
        return None
    return _told(case, _effect(state, before, until, now), before, until)


def describe(plan: MovePlan) -> str:
    """Return the plan in Chinese: one line for the date, one for the cases, one for each end."""
    lines = [_date(plan), _cases(plan)]
    ending = [case for case in plan.cases if case.effect is Effect.LAPSES]
    lines += [
        f"  {EFFECTS[Effect.LAPSES].zh}：{case.id}《{case.title}》" for case in ending[:LISTED]
    ]
    if len(ending) > LISTED:
        lines.append(f"  ……共 {len(ending)} 件（全部清单：--dry-run --output json）")
    return "\n".join(lines)


def summary(plan: MovePlan) -> str:
    """Return the plan in one line."""
    return f"{_date(plan)}{_cases(plan)}"


def _effect(state: State, before: datetime | None, after: datetime, now: datetime) -> Effect:
    if after <= now:
        return Effect.LAPSES if state in LAPSES else Effect.OVERDUE
    return Effect.EARLIER if before is not None and after < before else Effect.LATER


def _told(case: Columns, effect: Effect, before: datetime | None, after: datetime) -> CaseEffect:
    return CaseEffect(
        id=case["id"], title=case["title"], state=case["state"], effect=effect,
        before=before, after=after,
    )  # fmt: skip


def _date(plan: MovePlan) -> str:
    what = "期限" if plan.milestone is None else MILESTONES[plan.milestone].zh
    whose = "" if plan.body is None else f"（推荐单位 {plan.body}）"
    begins = plan.milestone in BEGINNINGS
    after = moment(plan.after, begins=begins)
    if plan.before is None:
        moved = f"{what}{whose}定为 {after}。"
    else:
        before, by = moment(plan.before, begins=begins), _distance(plan.after - plan.before)
        moved = f"{what}{whose}由 {before} 改为 {after}，{by}。"
    return moved + "".join(f"{MILESTONES[name].zh}随之改为同一时间。" for name in plan.along)


def _cases(plan: MovePlan) -> str:
    if not plan.cases:
        return "没有案例受影响。"
    counts = "，".join(f"{count} 件{EFFECTS[effect].zh}" for effect, count in plan.counts.items())
    return f"影响 {len(plan.cases)} 件案例：{counts}。"


def _distance(by: timedelta) -> str:
    seconds = abs(round(by.total_seconds()))
    for unit, length in (("天", 86_400), ("小时", 3_600), ("分钟", 60)):
        if seconds >= length:
            shown = f"{seconds / length:.1f}".removesuffix(".0")
            return f"{'提前' if by < timedelta() else '推后'} {shown} {unit}"
    return "时间不变" if not seconds else f"{'提前' if by < timedelta() else '推后'} {seconds} 秒"
