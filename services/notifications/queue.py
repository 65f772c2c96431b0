"""The deliveries that wait, as rows: take what is due, and write down how each went."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, func, select, update

from models import tables
from models.notifications.delivery import Channel, DeliveryStatus
from models.notifications.retries import DeliveryRetries
from models.store.engine import reading, transaction
from services.clock import Interval, now
from services.notifications.outgoing import DELIVERIES, DeliveryRow, OutgoingMessage, compose
from services.notifications.reminders import why_overtaken

BATCH = 50
MOST_IN_A_DIGEST = 100
FAR_SECONDS = 60.0
"""How often to look for what a wrong clock put off."""

_delivery, _message = tables.delivery.c, tables.inbox_message.c


@dataclass(frozen=True)
class TakenDelivery:
    """What a sender may send now.

    Attributes:
        ids: The deliveries that leave with it: one, or all of a digest.
        attempt: Of this number, from 1.
        case_id: Of the first of them; None: it is about no case.
        message: What leaves; None: its recipient has no address any more.
    """

    ids: tuple[str, ...]
    attempt: int
    case_id: str | None
    message: OutgoingMessage | None


@dataclass(frozen=True)
class _Found:
    """What a due delivery leads to.

    Attributes:
        attempt: The number that its attempt will have.
        taken: What leaves; None: nothing any more.
        dropped: Delivery id → why it need not leave any more.
    """

    attempt: int
    taken: TakenDelivery | None
    dropped: Mapping[str, str]


class _TakenMeanwhile(Exception):
    """Another sender was quicker."""


class DeliveryQueue:
    """The waiting deliveries of one channel. Two senders never take the same one."""

    def __init__(
        self,
        engine: Engine,
        retries: DeliveryRetries,
        channel: Channel = Channel.MAIL,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._engine, self._retries, self._clock = engine, retries, clock
        self._channel = channel
        self._far_seen = Interval(FAR_SECONDS)

    def due(self) -> list[str]:
        """Return the next deliveries to send, those that wait longest first."""
        self._bring_near()
        query = select(_delivery.id).order_by(_delivery.next_attempt_at, _delivery.id)
        with reading(self._engine) as connection:
            return list(connection.scalars(query.where(*self._is_due(self._clock())).limit(BATCH)))

    def due_by_recipient(self) -> list[str]:
        """Return the oldest due delivery to each recipient.

        One whose server hangs holds nobody else up then.
        """
        self._bring_near()
        query = (
            select(func.min(_delivery.id))
            .join_from(tables.delivery, tables.inbox_message)
            .where(*self._is_due(self._clock()))
            .group_by(_message.recipient)
            .order_by(func.min(_delivery.next_attempt_at))
        )
        with reading(self._engine) as connection:
            return list(connection.scalars(query.limit(BATCH)))

    def take(self, delivery_id: str) -> TakenDelivery | None:
        """Take one delivery for the length of a lease; None: there is nothing to send.

        The attempt counts from here, so that a message that kills its sender is set aside
        at last, and not tried for ever. A digest takes all that is due to its recipient.
        A reminder of what was done meanwhile is dropped.
        """
        at = self._clock()
        with reading(self._engine) as connection:
            found = self._find(connection, delivery_id, at)
        if found is None:
            return None
        ids = {delivery_id, *(found.taken.ids if found.taken else ())}
        try:
            with transaction(self._engine) as connection:
                self._lease(connection, ids, found.attempt, at)
                _drop(connection, found.dropped)
        except _TakenMeanwhile:
            return None
        return found.taken

    def sent(self, taken: TakenDelivery) -> None:
        """Write down that a message is out, whoever has taken it since."""
        values = {
            "status": DeliveryStatus.SENT,
            "sent_at": self._clock(),
            "last_error": None,
        }
        with transaction(self._engine) as connection:
            connection.execute(update(tables.delivery).where(*_waiting(taken.ids)).values(values))

    def deferred(self, taken: TakenDelivery, error: str) -> None:
        """Write down why a message is not out, and try it again later."""
        later = self._clock() + self._retries.delay(taken.attempt)
        self._note(taken, next_attempt_at=later, last_error=error)

    def given_back(self, taken: TakenDelivery, error: str) -> None:
        """Write down that the server was unavailable, which counts against no message.

        All of them go out once it answers again, however long that takes.
        """
        later = self._clock() + self._retries.first
        self._note(taken, attempts=taken.attempt - 1, next_attempt_at=later, last_error=error)

    def failed(self, taken: TakenDelivery, error: str) -> None:
        """Set a message aside, visibly."""
        self._note(taken, status=DeliveryStatus.FAILED, last_error=error)

    def _bring_near(self) -> None:
        """Let what a wrong clock put off be due; once a minute is enough."""
        if self._far_seen.passed():
            at = self._clock()
            far = (
                _delivery.channel == self._channel,
                _delivery.status == DeliveryStatus.WAITING,
                _delivery.next_attempt_at > at + self._retries.furthest,
            )
            with transaction(self._engine) as connection:
                connection.execute(update(tables.delivery).where(*far).values(next_attempt_at=at))

    def _is_due(self, at: datetime) -> tuple[ColumnElement[bool], ...]:
        return (
            _delivery.channel == self._channel,
            _delivery.status == DeliveryStatus.WAITING,
            _delivery.next_attempt_at <= at,
        )

    def _find(self, connection: Connection, delivery_id: str, at: datetime) -> _Found | None:
        """Read what leaves with a delivery, without a lock; None: it is not due any more."""
        is_due = DELIVERIES.where(*self._is_due(at))
        first = connection.execute(is_due.where(_delivery.id == delivery_id)).one_or_none()
        if first is None:
            return None
        rows = [first]
        if first.digest:
            same = is_due.where(
                _delivery.digest, _message.recipient == first.recipient, _delivery.id != first.id
            )
            rows += connection.execute(same.order_by(_message.id).limit(MOST_IN_A_DIGEST - 1))
        dropped = dict(_dropped(connection, rows))
        left = [row for row in rows if row.id not in dropped]
        attempt = first.attempts + 1
        if not left:
            return _Found(attempt, None, dropped)
        ids = tuple(row.id for row in left)
        taken = TakenDelivery(ids, attempt, left[0].case_id, compose(connection, left))
        return _Found(attempt, taken, dropped)

    def _lease(
        self, connection: Connection, ids: Collection[str], attempt: int, at: datetime
    ) -> None:
        """Keep other senders from deliveries for the length of a lease.

        Raises:
            _TakenMeanwhile: One of them is not due any more.
        """
        leased = connection.execute(
            update(tables.delivery)
            .where(_delivery.id.in_(ids), *self._is_due(at))
            .values(attempts=attempt, next_attempt_at=at + self._retries.lease)
        )
        if leased.rowcount != len(ids):
            raise _TakenMeanwhile

    def _note(self, taken: TakenDelivery, **values: object) -> None:
        # If the lease ran out and another sender took the message, its word will count.
        ours = (*_waiting(taken.ids), _delivery.attempts == taken.attempt)
        with transaction(self._engine) as connection:
            connection.execute(update(tables.delivery).where(*ours).values(values))


def _waiting(ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return _delivery.id.in_(ids), _delivery.status == DeliveryStatus.WAITING


def _dropped(connection: Connection, rows: Iterable[DeliveryRow]) -> Iterable[tuple[str, str]]:
    """Yield each delivery that need not leave any more, with the reason."""
    for row in rows:
        kept = row.removed_at is None
        why = why_overtaken(connection, row.event, row.event_id) if kept else "its text was removed"
        if why is not None:
            yield row.id, why


def _drop(connection: Connection, dropped: Mapping[str, str]) -> None:
    for delivery_id, why in dropped.items():
        connection.execute(
            update(tables.delivery)
            .where(_delivery.id == delivery_id)
            .values(status=DeliveryStatus.DROPPED, last_error=why)
        )
