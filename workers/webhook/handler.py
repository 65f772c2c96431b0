"""What the webhook worker does with events: fan them out to the endpoints that want them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine

from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent
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
        """Compose. `queued` is called after events that leave messages; from any thread."""
        self._engine, self._queued, self._clock = engine, queued, clock

    def last_seq(self, case_id: str) -> int:
        """Return the newest event of a case that was fanned out."""
        with reading(self._engine) as connection:
            return read_cursor(connection, self.name, case_id)

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        """Fan events out, in one transaction; one that was fanned out does nothing.

        Raises:
            ValueError: A text is too long for a webhook.
        """
        at = self._clock()
        with transaction(self._engine) as connection:
            messages, early = fan_out(connection, events, at)
        if messages:
            self._queued()
        return early

    def skip(self, passed_over: IncomingEvent) -> None:
        """Move the cursor over an event that no endpoint is to get."""
        at = self._clock()
        with transaction(self._engine) as connection:
            skip(connection, passed_over, at)
