"""What the notify worker does with an event: notify everybody whom it concerns."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine

from models.cases.events import CaseEvent
from models.store.engine import reading, transaction
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
            notified: Called after each event that leaves something to send; from any thread.
            clock: Says when a message may leave.
        """
        self._engine, self._notified, self._clock = engine, notified, clock

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Notify people of an event; of one that was notified before, nobody again.

        All reads come first. The record is locked only to write: on SQLite, nobody else can
        write meanwhile.
        """
        del body, stream_seq
        at = self._clock()
        with reading(self._engine) as connection:
            prepared = prepare(connection, event)
        with transaction(self._engine) as connection:
            notified = write(connection, event, prepared, at)
        if prepared.done:
            return
        if prepared.overtaken:
            _log.info("reminder_not_told", event_id=event.id, why=prepared.overtaken)
        _log.info(
            "event_told",
            event_id=event.id,
            messages=notified.messages,
            deliveries=notified.deliveries,
        )
        if notified.deliveries:
            self._notified()
