"""What one event does: a message for each endpoint that wants it, and the cursor, at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, insert, or_, select

from models.cases.actors import Role
from models.cases.events import CaseEvent, CaseEventData
from models.store.engine import reading, transaction
from models.stream.names import Durable
from models.tables import table_of
from models.tables.webhooks import WebhookDelivery, WebhookEndpoint
from models.webhooks.status import EndpointStatus
from services.clock import now
from services.stream.cursors import advance_cursor, read_cursor
from services.webhooks.messages import Message, waiting_row

MAX_BODY_BYTES = 20_000
"""What Standard Webhooks advises receivers to expect at most."""

_DELIVERIES = table_of(WebhookDelivery)
_ENDPOINTS = table_of(WebhookEndpoint)
_E = _ENDPOINTS.c


class WebhookHandler:
    """Puts each event up for the endpoints, once, in the order of its case."""

    name = Durable.WEBHOOK

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
            return read_cursor(connection, self.name, case_id)

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
            if not advance_cursor(connection, self.name, data.case_id, data.seq, at):
                return
            rows = [
                waiting_row(endpoint.id, message, at)
                for endpoint in connection.execute(_listening(data))
                if not endpoint.events or event.name in endpoint.events
            ]
            if rows:
                connection.execute(insert(_DELIVERIES), rows)
        if rows:
            self._queued()

    def skip(self, event: CaseEvent) -> None:
        """Move the cursor over an event that nobody shall hear of."""
        data = event.data
        with transaction(self._engine) as connection:
            advance_cursor(connection, self.name, data.case_id, data.seq, self._clock())


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
