"""How a call is judged: the bodies' screening, the experts' criteria and selection."""

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from models.programme.parts import Choice, Count, Key, Positive, ProgrammePart, Text, invalid


class ScreeningPoint(ProgrammePart):
    """A point that a recommending body answers when it accepts a case."""

    key: Key
    text: Text


class Criterion(Choice):
    """A criterion of the experts: worth points, or (`gate`) passed or failed."""

    description: Text
    points: Count = 0
    gate: bool = False


class Selection(ProgrammePart):
    """How experts select. Where the notice is silent, the defaults are ours.

    Attributes:
        trim: how many of the highest and of the lowest scores are dropped, when there are
            at least `trim_from` scores.
        decimals: places of a mean, rounded half up.
        ties: what breaks them, in this order: `body_rank`, `draw` or a criterion's key.
        defense_ratio: how many are heard: the best `seats_per_category` times this.
    """

    criteria: tuple[Criterion, ...] = Field(min_length=1)
    pass_mark: Decimal = Field(ge=0, le=100)
    seats_per_category: Positive
    may_stay_empty: bool
    experts_per_case: Positive
    experts_minimum: Positive
    trim: Count
    trim_from: Positive
    decimals: Count
    ties: tuple[Key, ...]
    defense_categories: tuple[Key, ...]
    defense_ratio: Decimal = Field(ge=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(criterion.points for criterion in self.criteria) != 100:  # noqa: PLR2004 - 百分制
            raise invalid("各项评分标准的分值合计应为 100")
        if self.experts_minimum > self.experts_per_case:
            raise invalid("experts_minimum 不应大于 experts_per_case")
        if self.trim_from <= 2 * self.trim:
            raise invalid("trim_from 应大于 trim 的两倍，否则去掉最高最低分后无分可用")
        known = {criterion.key for criterion in self.criteria} | {"body_rank", "draw"}
        if unknown := [key for key in self.ties if key not in known]:
            raise invalid(f"ties 中的 {'、'.join(unknown)} 不是评分标准，也不是 body_rank 或 draw")
        return self
