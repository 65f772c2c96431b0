"""How long each class of data is kept."""

from typing import Annotated

from pydantic import AfterValidator, Field

from models.programme.parts import Count, ProgrammePart, invalid

LEAST_DAYS_KEPT = 184
"""No six months have more days (March to August), so nothing younger than that can go."""


def _long_enough(days: int) -> int:
    if days < LEAST_DAYS_KEPT:
        raise invalid(f"保存期限不得少于 {LEAST_DAYS_KEPT} 天（六个月），得到的是 {days} 天")
    return days


DaysKept = Annotated[Count, Field(le=36_500), AfterValidator(_long_enough)]


class Retention(ProgrammePart):
    """For how many days at least each class of data is kept: real days, even in a rehearsal.

    Attributes:
        forms: Every saved version of a form, counted from the end of its case.
        reasons: The texts of opinions and reasons, counted from the end of their case.
        messages: What people were sent, counted from when it left, once the case has ended.
        webhooks: What endpoints were sent and answered, counted from when it was settled.
        addresses: Mail, chat and SMS addresses, counted from the end of the season and of its
            last case.
    """

    forms: DaysKept = 1095
    reasons: DaysKept = 365
    messages: DaysKept = 365
    webhooks: DaysKept = 365
    addresses: DaysKept = 365
