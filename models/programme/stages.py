"""How a call is judged, made public, and put away: the parts of its later stages."""

from datetime import time
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from models.programme.parts import Choice, Key, Positive, ProgrammePart, Text, Whole, trouble

ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
"""A mail address of plain ASCII."""


class Criterion(Choice):
    """A criterion of the experts: points, or (`gate`) only pass or fail."""

    description: Text
    points: Whole = 0
    gate: bool = False


class Selection(ProgrammePart):
    """How experts select. Defaults of ours where the notice is silent.

    Attributes:
        trim: highest and lowest scores dropped, each, when `trim_from` scores remain.
        decimals: places of a mean, rounded half up.
        ties: in this order; `body_rank` and `draw` or a criterion's key.
        defense_ratio: the best `seats_per_category` times this may be heard.
    """

    criteria: tuple[Criterion, ...] = Field(min_length=1)
    pass_mark: Decimal = Field(ge=0, le=100)
    seats_per_category: Positive
    may_stay_empty: bool
    experts_per_case: Positive
    experts_minimum: Positive
    trim: Whole
    trim_from: Positive
    decimals: Whole
    ties: tuple[Key, ...]
    defense_categories: tuple[Key, ...]
    defense_ratio: Decimal = Field(ge=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(criterion.points for criterion in self.criteria) != 100:  # noqa: PLR2004 - 百分制
            raise trouble("各项评分标准的分值合计应为 100")
        if self.experts_minimum > self.experts_per_case:
            raise trouble("experts_minimum 不应大于 experts_per_case")
        if self.trim_from <= 2 * self.trim:
            raise trouble("trim_from 应大于 trim 的两倍，否则去掉最高最低分后无分可用")
        known = {criterion.key for criterion in self.criteria} | {"body_rank", "draw"}
        if unknown := [key for key in self.ties if key not in known]:
            raise trouble(f"ties 中的 {'、'.join(unknown)} 不是评分标准，也不是 body_rank 或 draw")
        return self


class NoticePeriod(ProgrammePart):
    """The public notice (公示): how long, from when, and what an objection needs."""

    unit: Literal["working_days", "calendar_days"]
    days: Positive
    first_day: Literal["posting_day", "next_day"]
    objections: Literal["named", "any"]
    answer_working_days: Positive
    upheld: Literal["leave_empty", "replace"]


class Reminders(ProgrammePart):
    """When people are told things, in civil time.

    Attributes:
        working_days: how many working days before a deadline.
        at: the time of the day of a reminder.
        quiet_from, quiet_until: nothing leaves the inbox meanwhile; both the same: always.
        digest_at: when the mails of a day to reviewers and experts leave as one; None:
            each leaves by itself.
        reply_to: the address to which answers to mails go; None: nobody reads answers, and
            each mail says so.
    """

    working_days: tuple[Positive, ...] = (7, 3, 1)
    at: time = time(9)
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    digest_at: time | None = None
    reply_to: Annotated[str, StringConstraints(pattern=ADDRESS, max_length=254)] | None = None

    def without_quiet(self) -> Self:
        """Return the same, but whatever is told leaves at once."""
        return self.model_copy(update={"quiet_from": time(0), "quiet_until": time(0)})


LEAST_DAYS_KEPT = 184
"""No six months have more days (March to August), so nothing younger than that can go."""


def _long_enough(days: int) -> int:
    if days < LEAST_DAYS_KEPT:
        raise trouble(f"保存期限不得少于 {LEAST_DAYS_KEPT} 天（六个月），得到的是 {days} 天")
    return days


DaysKept = Annotated[Whole, Field(le=36_500), AfterValidator(_long_enough)]


class Retention(ProgrammePart):
    """How many days (real ones, also in a rehearsal) each class of data is kept at least.

    Attributes:
        forms: Every saved version of a form, after its case's end.
        reasons: The texts of opinions and reasons, after their case's end.
        messages: What people were told, after it left, once the case has ended.
        webhooks: What went to endpoints and their answers, after it was settled.
        addresses: Mail, chat and SMS addresses, after the season and its last case ended.
    """

    forms: DaysKept = 1095
    reasons: DaysKept = 365
    messages: DaysKept = 365
    webhooks: DaysKept = 365
    addresses: DaysKept = 365
