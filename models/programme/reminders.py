"""When people are reminded and mailed."""

from datetime import time
from typing import Self

from models.programme.parts import MailAddress, Positive, ProgrammePart


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
    reply_to: MailAddress | None = None

    def without_quiet(self) -> Self:
        """Return the same without quiet hours."""
        return self.model_copy(update={"quiet_from": time(0), "quiet_until": time(0)})
