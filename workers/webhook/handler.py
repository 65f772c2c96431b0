"""What the webhook worker does with an event: fan it out to the endpoints that want it."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from models.cases.events import CaseEvent
from models.store.engine import reading, transaction
from models.stream.names import Durable
from services.clock import now
from services.stream.cursors import read_cursor
from services.webhooks.fan_out import fan_out, skip


class WebhookHandler:
    """Fans events out, each once, in the order of its case.

    Attributes:
        name: The durable consumer.
    """

    name = Durable.WEBHOOK

    def __init__(
        self,
        engine: Engine,
        *,
        queued: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Compose. `queued` is called after each event that leaves messages; from any thread."""
        self._engine, self._queued, self._clock = engine, queued, clock

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case that was fanned out."""
        with reading(self._engine) as connection:
            return read_cursor(connection, self.name, case_id)

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        """Fan an event out, in one transaction; an event that was fanned out does nothing.

        Raises:
            ValueError: The text is too long for a webhook.
        """
        del stream_seq
        at = self._clock()
        with transaction(self._engine) as connection:
            messages = fan_out(connection, event, body, at)
        if messages:
            self._queued()

    def skip(self, event: CaseEvent) -> None:
        """Move the cursor over an event that no endpoint is to get."""
        at = self._clock()
        with transaction(self._engine) as connection:
            skip(connection, event, at)
