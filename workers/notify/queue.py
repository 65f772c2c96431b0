"""The mails that wait, as rows: take what is due, and note how each went."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, select, update

from activities.database import reading, transaction
from models.tables import AppUser, Delivery, InboxMessage, table_of
from services.clock import now
from services.readers import MAIL
from workers.notify.letter import Letter

BATCH = 50

_DELIVERIES = table_of(Delivery)
_D, _M, _U = _DELIVERIES.c, table_of(InboxMessage).c, table_of(AppUser).c

_LETTER = (
    select(_M.event_id, _M.case_id, _M.subject, _M.text, _M.at, _U.email, _U.season_id)
    .join_from(_DELIVERIES, table_of(InboxMessage), _M.id == _D.message_id)
    .join(table_of(AppUser), _U.id == _M.recipient)
)


@dataclass(frozen=True)
class Patience:
    """How long a sender tries.

    Attributes:
        attempts: After so many a mail is set aside as failed.
        first: The wait after the first attempt; each further one is twice as long.
        longest: No wait is longer.
        lease: How long a mail that was taken is left to its sender; after that the
            sender is believed dead. Longer than any attempt takes.
        poll: How often to look for due mails when nothing else wakes the sender.
        away: How long to leave a server alone that is away.
    """

    attempts: int = 12
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(minutes=2)
    poll: timedelta = timedelta(seconds=1)
    away: timedelta = timedelta(seconds=5)

    def delay(self, attempts: int) -> timedelta:
        """Return how long to wait after the attempt of this number, from 1."""
        return min(self.longest, self.first * (1 << min(attempts - 1, 20)))


@dataclass(frozen=True)
class Taken:
    """A mail that this sender may send now. `attempt`: of this number, from 1."""

    delivery_id: str
    attempt: int
    case_id: str | None
    letter: Letter | None


class MailQueue:
    """The waiting mails of a record. Several senders do not take the same one."""

    def __init__(
        self, engine: Engine, patience: Patience, clock: Callable[[], datetime] = now
    ) -> None:
        """Take the record, how long to try, and who says what time it is."""
        self._engine, self._patience, self._clock = engine, patience, clock

    def due(self) -> list[str]:
        """Return the next mails to send, those that wait longest first."""
        with reading(self._engine) as connection:
            return list(
                connection.scalars(
                    select(_D.id)
                    .where(*_waiting(self._clock()))
                    .order_by(_D.next_attempt_at, _D.id)
                    .limit(BATCH)
                )
            )

    def take(self, delivery_id: str) -> Taken | None:
        """Take one mail for the length of a lease; None: it is not to be had any more.

        The attempt counts from here, so that a mail that kills its sender is set aside
        at last, and not tried for ever.
        """
        at = self._clock()
        lease = {"attempts": _D.attempts + 1, "next_attempt_at": at + self._patience.lease}
        with transaction(self._engine) as connection:
            attempt = connection.scalar(
                update(_DELIVERIES)
                .where(_D.id == delivery_id, *_waiting(at))
                .values(lease)
                .returning(_D.attempts)
            )
            if attempt is None:
                return None
            row = connection.execute(_LETTER.where(_D.id == delivery_id)).one()
        letter = None
        if row.email is not None:
            letter = Letter(
                delivery_id=delivery_id,
                event_id=row.event_id,
                season=row.season_id,
                to=row.email,
                subject=row.subject,
                text=row.text,
                at=row.at,
            )
        return Taken(delivery_id, attempt, row.case_id, letter)

    def sent(self, taken: Taken) -> None:
        """Note that a mail is out, whoever has taken it since."""
        values = {"status": "sent", "sent_at": self._clock(), "last_error": None}
        with transaction(self._engine) as connection:
            connection.execute(
                update(_DELIVERIES)
                .where(_D.id == taken.delivery_id, _D.status == "waiting")
                .values(values)
            )

    def deferred(self, taken: Taken, error: str) -> None:
        """Note why a mail is not out, and try it again later."""
        later = self._clock() + self._patience.delay(taken.attempt)
        self._note(taken, next_attempt_at=later, last_error=error)

    def given_back(self, taken: Taken, error: str) -> None:
        """Note that the server was away, which counts against no mail.

        All of them go out once it is back, however long that takes.
        """
        later = self._clock() + self._patience.first
        self._note(taken, attempts=taken.attempt - 1, next_attempt_at=later, last_error=error)

    def failed(self, taken: Taken, error: str) -> None:
        """Set a mail aside, visibly."""
        self._note(taken, status="failed", last_error=error)

    def _note(self, taken: Taken, **values: object) -> None:
        # Where a lease ran out and another sender took the mail, its word will count.
        mine = (_D.id == taken.delivery_id, _D.status == "waiting", _D.attempts == taken.attempt)
        with transaction(self._engine) as connection:
            connection.execute(update(_DELIVERIES).where(*mine).values(values))


def _waiting(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (_D.channel == MAIL, _D.status == "waiting", _D.next_attempt_at <= at)
