"""Recommending bodies (推荐单位), and how many cases each may recommend."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Self

from models.programme.moments import Moment
from models.programme.parts import Count, Key, Positive, ProgrammePart, Text, choice_key


class BodyKind(StrEnum):
    """The kinds of recommending bodies that quotas distinguish."""

    PROVINCE = "province"
    CORPS = "corps"
    CENTRAL = "central"


class ProgrammeBody(ProgrammePart):
    """A recommending body.

    Attributes:
        short: how lists and people name it, e.g. 福建.
        area: the full name of its area; any place that begins with it lies within.
        aliases: further names by which an applicant may give a location.
        cutoff: its own, earlier cutoff for its applicants; None: the national one.
        strong_last_year: it had as many winners last year as the larger quota asks.
        bonus: extra places in total, won by good organisation in the last edition.
    """

    id: Key
    name: Text
    short: Text
    kind: BodyKind
    area: str = ""
    aliases: tuple[Text, ...] = ()
    cutoff: Moment | None = None
    strong_last_year: bool = False
    bonus: Count = 0

    @property
    def names(self) -> frozenset[str]:
        """All its names, as `plain` returns them."""
        names = (self.id, self.name, self.short, self.area, *self.aliases)
        return frozenset(choice_key(name) for name in names if name)

    def shifted(self, by: timedelta) -> Self:
        """Return the same body with its own cutoff moved by `by`."""
        return self.model_copy(update={"cutoff": self.cutoff + by}) if self.cutoff else self


class Quota(ProgrammePart):
    """Places for one kind of body; None means no cap.

    `strong` limits the rule to bodies with (or without) enough winners last year.
    """

    kind: BodyKind
    strong: bool | None = None
    per_category: Positive | None = None
    total: Positive | None = None


def quota_of(body: ProgrammeBody, quotas: Iterable[Quota]) -> Quota:
    """Return the places of `body`, its bonus added to the total.

    The first rule for its kind and strength applies; without one there is no cap.
    """
    for quota in quotas:
        if quota.kind == body.kind and quota.strong in (None, body.strong_last_year):
            total = None if quota.total is None else quota.total + body.bonus
            return quota.model_copy(update={"total": total})
    return Quota(kind=body.kind)
