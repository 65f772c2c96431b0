"""What waits to leave, as rows: take what is due, and note how each went."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, case, func, select, update

from models.notifications.delivery import Channel, DeliveryStatus
from models.notifications.texts import digest
from models.store.engine import reading, transaction
from models.tables import AppUser, Delivery, InboxMessage, Season, UserChannel, table_of
from services.clock import now
from workers.notify.message import OutgoingMail
from workers.notify.staleness import event_due, overtaken

BATCH = 50
MOST_IN_A_DIGEST = 100

_DELIVERIES = table_of(Delivery)
_D, _M, _U = _DELIVERIES.c, table_of(InboxMessage).c, table_of(AppUser).c
_C, _SEASON = table_of(UserChannel).c, table_of(Season).c

type _Row = Row[*tuple[Any, ...]]

_REPLY_TO = _SEASON.programme["reminders"]["reply_to"].as_string()
_ADDRESS = case((_D.channel == Channel.MAIL, _U.email), else_=_C.address)
_LETTER = (
    select(
        _D.id, _D.digest, _M.recipient, _M.event, _M.event_id, _M.case_id, _M.subject, _M.text,
        _M.at, _M.removed_at, _U.season_id, _U.role, _ADDRESS.label("address"),
        _REPLY_TO.label("reply_to"),
    )
    .join_from(_DELIVERIES, table_of(InboxMessage), _M.id == _D.message_id)
    .join(table_of(AppUser), _U.id == _M.recipient)
    .join(table_of(Season), _SEASON.id == _U.season_id)
    .join(
        table_of(UserChannel), (_C.user_id == _U.id) & (_C.channel == _D.channel), isouter=True
    )
)  # fmt: skip


@dataclass(frozen=True)
class DeliveryRetries:
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
class DueDelivery:
    """What this sender may send now.

    Attributes:
        ids: The deliveries that leave with it: one, or all of a digest.
        attempt: Of this number, from 1.
        case_id: Of the first of them; None: it is about no case.
        letter: What leaves; None: its recipient has no address any more.
    """

    ids: tuple[str, ...]
    attempt: int
    case_id: str | None
    letter: OutgoingMail | None


class Queue:
    """The waiting deliveries of one channel. Several senders do not take the same one."""

    def __init__(
        self,
        engine: Engine,
        patience: DeliveryRetries,
        channel: Channel = Channel.MAIL,
        clock: Callable[[], datetime] = now,
        *,
        one_each: bool = False,
    ) -> None:
        """Take the record.

        Args:
            engine: The record.
            patience: How long to try.
            channel: Of which deliveries.
            clock: Says what time it is.
            one_each: Whether only the oldest to each recipient is due, so that one whose
                server hangs holds nobody else up.
        """
        self._engine, self._patience, self._clock = engine, patience, clock
        self._channel, self._one_each = channel, one_each

    def due(self) -> list[str]:
        """Return the next deliveries to send, those that wait longest first."""
        due = self._waiting(self._clock())
        if self._one_each:
            query = (
                select(func.min(_D.id))
                .join_from(_DELIVERIES, table_of(InboxMessage), _M.id == _D.message_id)
                .group_by(_M.recipient)
                .order_by(func.min(_D.next_attempt_at))
            )
        else:
            query = select(_D.id).order_by(_D.next_attempt_at, _D.id)
        with reading(self._engine) as connection:
            return list(connection.scalars(query.where(*due).limit(BATCH)))

    def take(self, delivery_id: str) -> DueDelivery | None:
        """Take one delivery for the length of a lease; None: there is nothing to send.

        The attempt counts from here, so that a mail that kills its sender is set aside
        at last, and not tried for ever. A digest takes all that is due to its recipient.
        A reminder of what was done meanwhile is dropped.
        """
        at = self._clock()
        lease = at + self._patience.lease
        with transaction(self._engine) as connection:
            attempt = connection.scalar(
                update(_DELIVERIES)
                .where(_D.id == delivery_id, *self._waiting(at))
                .values(attempts=_D.attempts + 1, next_attempt_at=lease)
                .returning(_D.attempts)
            )
            if attempt is None:
                return None
            first = connection.execute(_LETTER.where(_D.id == delivery_id)).one()
            rows = [first, *(self._same_digest(connection, first, at) if first.digest else ())]
            rows = [row for row in rows if not _dropped(connection, row)]
            ids = tuple(row.id for row in rows)
            connection.execute(
                update(_DELIVERIES)
                .where(_D.id.in_(ids))
                .values(attempts=attempt, next_attempt_at=lease)
            )
            letter = _letter(connection, rows) if rows else None
        return DueDelivery(ids, attempt, rows[0].case_id, letter) if rows else None

    def _same_digest(self, connection: Connection, first: _Row, at: datetime) -> Sequence[_Row]:
        return connection.execute(
            _LETTER.where(
                *self._waiting(at), _D.digest, _M.recipient == first.recipient, _D.id != first.id
            )
            .order_by(_M.id)
            .limit(MOST_IN_A_DIGEST - 1)
        ).all()

    def _waiting(self, at: datetime) -> tuple[ColumnElement[bool], ...]:
        return (
            _D.channel == self._channel,
            _D.status == DeliveryStatus.WAITING,
            _D.next_attempt_at <= at,
        )

    def sent(self, taken: DueDelivery) -> None:
        """Note that a mail is out, whoever has taken it since."""
        values = {"status": DeliveryStatus.SENT, "sent_at": self._clock(), "last_error": None}
        with transaction(self._engine) as connection:
            connection.execute(
                update(_DELIVERIES)
                .where(_D.id.in_(taken.ids), _D.status == DeliveryStatus.WAITING)
                .values(values)
            )

    def deferred(self, taken: DueDelivery, error: str) -> None:
        """Note why a mail is not out, and try it again later."""
        later = self._clock() + self._patience.delay(taken.attempt)
        self._note(taken, next_attempt_at=later, last_error=error)

    def given_back(self, taken: DueDelivery, error: str) -> None:
        """Note that the server was away, which counts against no mail.

        All of them go out once it is back, however long that takes.
        """
        later = self._clock() + self._patience.first
        self._note(taken, attempts=taken.attempt - 1, next_attempt_at=later, last_error=error)

    def failed(self, taken: DueDelivery, error: str) -> None:
        """Set a mail aside, visibly."""
        self._note(taken, status=DeliveryStatus.FAILED, last_error=error)

    def _note(self, taken: DueDelivery, **values: object) -> None:
        # Where a lease ran out and another sender took the mail, its word will count.
        mine = (
            _D.id.in_(taken.ids),
            _D.status == DeliveryStatus.WAITING,
            _D.attempts == taken.attempt,
        )
        with transaction(self._engine) as connection:
            connection.execute(update(_DELIVERIES).where(*mine).values(values))


def _dropped(connection: Connection, row: _Row) -> bool:
    """Drop a reminder that was overtaken, or what is kept no more; tell whether it was."""
    kept = row.removed_at is None
    why = overtaken(connection, row.event, row.event_id) if kept else "its text was removed"
    if why is not None:
        connection.execute(
            update(_DELIVERIES)
            .where(_D.id == row.id)
            .values(status=DeliveryStatus.DROPPED, last_error=why)
        )
    return why is not None


def _letter(connection: Connection, rows: Sequence[_Row]) -> OutgoingMail | None:
    first, subject, text = rows[0], rows[0].subject, rows[0].text
    if first.address is None:
        return None
    told = (event_due(connection, row.event, row.event_id, row.role) for row in rows)
    letter_id = str(first.id)
    if len(rows) > 1:
        letter_id += ".digest"  # else the first of them, sent again alone, would pass for this
        subject, text = digest([(row.subject, row.text) for row in rows])
    return OutgoingMail(
        delivery_id=letter_id,
        event_id=first.event_id,
        season=first.season_id,
        to=first.address,
        subject=subject,
        text=text,
        at=first.at,
        due=tuple(event for event in told if event is not None),
        reply_to=first.reply_to,
    )
