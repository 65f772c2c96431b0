"""What one event does: a message for each endpoint that wants it, and the cursor, at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update

from models.cases.actors import Role
from models.cases.events import CaseEvent, CaseEventData
from models.store.engine import reading, transaction
from models.tables import ConsumerCursor, table_of
from models.tables.webhooks import WebhookDelivery, WebhookEndpoint
from models.webhooks.status import EndpointStatus
from services.clock import now
from services.webhooks.messages import Message, waiting_row
from services.webhooks.missed import CONSUMER

MAX_BODY_BYTES = 20_000
"""What Standard Webhooks advises receivers to expect at most."""

_CURSORS, _DELIVERIES = table_of(ConsumerCursor), table_of(WebhookDelivery)
_ENDPOINTS = table_of(WebhookEndpoint)
_C, _E = _CURSORS.c, _ENDPOINTS.c


class WebhookHandler:
    """Puts each event up for the endpoints, once, in the order of its case."""

    name = CONSUMER

    def __init__(
        self,
        engine: Engine,
        *,
        queued: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Take the record; `queued` is called after each event that leaves messages."""
        self._engine, self._queued, self._clock = engine, queued, clock

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case that was put up."""
        with reading(self._engine) as connection:
            return self._last(connection, case_id)

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Put an event up, in one transaction; one that was put up does nothing.

        Raises:
            ValueError: The text is too long for a webhook.
        """
        del stream_seq
        if len(body.encode()) >= MAX_BODY_BYTES:
            raise ValueError(f"{event.id} is too long for a webhook")
        at, data = self._clock(), event.data
        message = Message(event.id, event.name, data.case_id, data.seq, body)
        with transaction(self._engine) as connection:
            last = self._last(connection, data.case_id)
            if data.seq <= last:
                return
            self._move(connection, data, at, new=last == 0)
            rows = [
                waiting_row(endpoint.id, message, at)
                for endpoint in connection.execute(_listening(data))
                if not endpoint.events or event.name in endpoint.events
            ]
            if rows:
                connection.execute(insert(_DELIVERIES), rows)
        if rows:
            self._queued()

    def pass_over(self, event: CaseEvent) -> None:
        """Move the cursor over an event that nobody shall hear of."""
        data = event.data
        with transaction(self._engine) as connection:
            last = self._last(connection, data.case_id)
            if data.seq > last:
                self._move(connection, data, self._clock(), new=last == 0)

    def _last(self, connection: Connection, case_id: str) -> int:
        place = select(_C.last_seq).filter_by(consumer=self.name, case_id=case_id)
        return connection.scalar(place) or 0

    def _move(
        self, connection: Connection, data: CaseEventData, at: datetime, *, new: bool
    ) -> None:
        place = {"consumer": self.name, "case_id": data.case_id}
        moved = {"last_seq": data.seq, "at": at}
        if new:
            connection.execute(insert(_CURSORS), {**place, **moved})
        else:
            connection.execute(update(_CURSORS).filter_by(**place).values(moved))


def _listening(data: CaseEventData) -> Any:  # noqa: ANN401 - a query
    """Ask for the endpoints that may hear of a case: its unit's, its body's, the season's."""
    return select(_E.id, _E.events).where(
        _E.season_id == data.season,
        _E.status.in_((EndpointStatus.ACTIVE, EndpointStatus.PAUSED)),
        or_(
            _E.owner_org.is_(None),
            and_(_E.owner_role == Role.APPLICANT, _E.owner_org == data.unit),
            and_(_E.owner_role == Role.BODY, _E.owner_org == data.body),
        ),
    )
