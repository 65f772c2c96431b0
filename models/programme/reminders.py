"""When people are reminded and mailed."""

from datetime import time
from typing import Annotated, Self

from pydantic import StringConstraints

from models.programme.parts import Positive, ProgrammePart

ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
"""A mail address of plain ASCII."""


class Reminders(ProgrammePart):
    """When people are notified, in civil time.

    Attributes:
        working_days: how many working days before a deadline.
        at: the time of day of a reminder.
        quiet_from, quiet_until: between them nothing but inbox messages; both the same: never
            quiet.
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
        """Return the same without quiet hours."""
        return self.model_copy(update={"quiet_from": time(0), "quiet_until": time(0)})
