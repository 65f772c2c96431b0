"""The official documents that a call rests on, and its public notice (公示)."""

from datetime import date
from typing import Literal

from models.programme.parts import Positive, ProgrammePart, Text


class OfficialDocument(ProgrammePart):
    """A document that announces the call, or forwards its announcement."""

    number: Text
    issuer: Text
    issued: date
    about: Text


class NoticePeriod(ProgrammePart):
    """The public notice: how long it stands, from which day, and what an objection needs."""

    unit: Literal["working_days", "calendar_days"]
    days: Positive
    first_day: Literal["posting_day", "next_day"]
    objections: Literal["named", "any"]
    answer_working_days: Positive
    upheld: Literal["leave_empty", "replace"]
