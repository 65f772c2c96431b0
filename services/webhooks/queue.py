"""The webhooks that wait, as rows: which may go now, and what came of those that went."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, bindparam, exists, or_, select, update

from models import tables
from models.store.engine import reading, transaction
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import EndpointStatus, WebhookStatus
from services.clock import Interval, now
from services.webhooks.outcomes import DueWebhook, Outcome, record_outcomes
from services.webhooks.secrets import secrets_of

_endpoint, _delivery = tables.webhook_endpoint.c, tables.webhook_delivery.c
_earlier = tables.webhook_delivery.alias()

_AT = bindparam("at", type_=_delivery.next_attempt_at.type)
_ENDPOINTS = select(_endpoint.id, _endpoint.url, _endpoint.rate).where(
    _endpoint.status == EndpointStatus.ACTIVE,
    or_(_endpoint.not_before.is_(None), _endpoint.not_before <= _AT),
    exists().where(
        _delivery.endpoint_id == _endpoint.id,
        _delivery.status == WebhookStatus.WAITING,
        _delivery.next_attempt_at <= _AT,
    ),
)
_DUE = (
    select(
        _delivery.id, _delivery.endpoint_id, _delivery.event_id, _delivery.body,
        _delivery.attempts + 1,
    )
    .where(
        _delivery.endpoint_id == bindparam("endpoint"),
        _delivery.status == WebhookStatus.WAITING,
        _delivery.next_attempt_at <= _AT,
        _delivery.id.not_in(bindparam("without", expanding=True)),
        ~exists().where(
            _earlier.c.endpoint_id == _delivery.endpoint_id,
            _earlier.c.case_id == _delivery.case_id,
            _earlier.c.status == WebhookStatus.WAITING,
            _earlier.c.seq < _delivery.seq,
        ),
    )
    .order_by(_delivery.next_attempt_at, _delivery.seq)
    .limit(bindparam("most"))
)  # fmt: skip

FAR_SECONDS = 60.0
"""How often to look for what a wrong clock put off."""


@dataclass(frozen=True)
class DueEndpoint:
    """An endpoint and what may go to it now, what waits longest first.

    Attributes:
        secrets: What to sign with.
        messages: Of each case only the first that is not done.
    """

    id: str
    url: str
    rate: int | None
    secrets: tuple[str, ...]
    messages: tuple[DueWebhook, ...]


class Room(NamedTuple):
    """How many messages an endpoint may be sent now, and those that are not to be among them."""

    messages: int
    without: Collection[str] = ()


class WebhookQueue:
    """The waiting messages of a record."""

    def __init__(
        self, engine: Engine, retries: WebhookRetries, clock: Callable[[], datetime] = now
    ) -> None:
        self._engine, self._retries, self._clock = engine, retries, clock
        self._far_seen = Interval(FAR_SECONDS)

    def due(self, room_of: Callable[[str], Room]) -> list[DueEndpoint]:
        """Return what may go now, by endpoint, of those endpoints that may be asked now.

        A later message of a case never overtakes an earlier one.

        Args:
            room_of: How much room an endpoint has, by its id.
        """
        at = self._clock()
        if self._far_seen.passed():
            self._bring_near(at)
        with reading(self._engine) as connection:
            asked = [
                (row, room)
                for row in connection.execute(_ENDPOINTS, {"at": at}).all()
                if (room := room_of(row.id)).messages > 0
            ]
            found = [(row, _messages(connection, row.id, room, at)) for row, room in asked]
            ids = [row.id for row, messages in found if messages]
            secrets = secrets_of(connection, ids, at) if ids else {}
        return [
            DueEndpoint(row.id, row.url, row.rate, secrets[row.id], messages)
            for row, messages in found
            if row.id in secrets
        ]

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


def _messages(
    connection: Connection, endpoint_id: str, room: Room, at: datetime
) -> tuple[DueWebhook, ...]:
    asked = {
        "endpoint": endpoint_id, "at": at, "without": list(room.without), "most": room.messages,
    }  # fmt: skip
    return tuple(DueWebhook(*row) for row in connection.execute(_DUE, asked))
