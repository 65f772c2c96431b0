"""The webhooks that wait, as rows: which may go now, and what came of those that went."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, exists, select, update

from models import tables
from models.store.engine import reading, transaction
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import EndpointStatus, WebhookStatus
from services.clock import Interval, now
from services.webhooks.outcomes import DueWebhook, Outcome, record_outcomes
from services.webhooks.secrets import secrets_of

_endpoint, _delivery = tables.webhook_endpoint.c, tables.webhook_delivery.c
_earlier = tables.webhook_delivery.alias()

FAR_SECONDS = 60.0
"""How often to look for what a wrong clock put off."""


@dataclass(frozen=True)
class DueEndpoint:
    """An endpoint for which something is due. `secrets`: what to sign with now."""

    id: str
    url: str
    rate: int | None
    secrets: tuple[str, ...]


class WebhookQueue:
    """The waiting messages of a record."""

    def __init__(
        self, engine: Engine, retries: WebhookRetries, clock: Callable[[], datetime] = now
    ) -> None:
        self._engine, self._retries, self._clock = engine, retries, clock
        self._far_seen = Interval(FAR_SECONDS)

    def endpoints(self) -> list[DueEndpoint]:
        """Return the endpoints for which something is due and that may be asked now."""
        at = self._clock()
        if self._far_seen.passed():
            self._bring_near(at)
        waits = exists().where(
            _delivery.endpoint_id == _endpoint.id,
            _delivery.status == WebhookStatus.WAITING,
            _delivery.next_attempt_at <= at,
        )
        left_alone = _endpoint.not_before.is_not(None) & (_endpoint.not_before > at)
        query = select(_endpoint.id, _endpoint.url, _endpoint.rate).where(
            _endpoint.status == EndpointStatus.ACTIVE, ~left_alone, waits
        )
        with reading(self._engine) as connection:
            return [
                DueEndpoint(id_, url, rate, tuple(secrets_of(connection, id_, at)))
                for id_, url, rate in connection.execute(query).all()
            ]

    def due(self, endpoint_id: str, limit: int, without: Collection[str]) -> list[DueWebhook]:
        """Return what may go to an endpoint now, those that wait longest first.

        Of each case only the first that is not done: a later one never overtakes it.

        Args:
            endpoint_id: Which endpoint.
            limit: How many at most.
            without: Messages that are under way already.
        """
        earlier = exists().where(
            _earlier.c.endpoint_id == _delivery.endpoint_id,
            _earlier.c.case_id == _delivery.case_id,
            _earlier.c.status == WebhookStatus.WAITING,
            _earlier.c.seq < _delivery.seq,
        )
        query = (
            select(
                _delivery.id, _delivery.endpoint_id, _delivery.event_id, _delivery.body,
                _delivery.attempts + 1,
            )
            .where(
                _delivery.endpoint_id == endpoint_id,
                _delivery.status == WebhookStatus.WAITING,
                _delivery.next_attempt_at <= self._clock(),
                _delivery.id.not_in(without),
                ~earlier,
            )
            .order_by(_delivery.next_attempt_at, _delivery.seq)
            .limit(limit)
        )  # fmt: skip
        with reading(self._engine) as connection:
            return [DueWebhook(*row) for row in connection.execute(query)]

    def _bring_near(self, at: datetime) -> None:
        """Let what a wrong clock put off be due, and ask whom it left alone."""
        far = at + self._retries.furthest
        waits = (_delivery.status == WebhookStatus.WAITING, _delivery.next_attempt_at > far)
        with transaction(self._engine) as connection:
            connection.execute(
                update(tables.webhook_delivery).where(*waits).values(next_attempt_at=at)
            )
            connection.execute(
                update(tables.webhook_endpoint)
                .where(_endpoint.not_before > far)
                .values(not_before=None)
            )

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what came of some attempts, in one transaction."""
        at = self._clock()
        with transaction(self._engine) as connection:
            record_outcomes(connection, outcomes, self._retries, at)
