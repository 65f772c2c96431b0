"""What the notify worker does with events: notify everybody whom they concern."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine

from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.clock import now
from services.notifications.case_events import prepare, write

_log = structlog.get_logger(__name__)


class NotifyHandler:
    """Notifies people of events, each person once of each event.

    Attributes:
        name: The durable consumer.
    """

    name = Durable.NOTIFY

    def __init__(
        self,
        engine: Engine,
        *,
        notified: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Compose.

        Args:
            engine: The record.
            notified: Called after events that leave something to send; from any thread.
            clock: Says when a message may leave.
        """
        self._engine, self._notified, self._clock = engine, notified, clock

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Notify people of events; of one that was notified before, nobody again.

        All reads come first. The record is locked only to write: on SQLite, nobody else can
        write meanwhile.
        """
        at = self._clock()
        with reading(self._engine) as connection:
            prepared = prepare(connection, events)
        with transaction(self._engine) as connection:
            notified = write(connection, events, prepared, at)
        for each in prepared:
            if each.overtaken:
                _log.info("reminder_not_told", event_id=each.event.id, why=each.overtaken)
            else:
                _log.debug("event_told", event_id=each.event.id)
        if prepared:
            _log.info("events_told", events=len(prepared), **notified._asdict())
        if notified.deliveries:
            self._notified()
        return ()  # in any order
