"""The messages that wait, as rows: which may go now, and what became of those that went."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, bindparam, exists, insert, select, update

from models.notifications.texts import NotificationText
from models.store.engine import reading, transaction
from models.tables import AppUser, table_of
from models.tables.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from models.webhooks.status import EndpointStatus, WebhookStatus
from services.clock import now
from services.notifications.fan_out import Notification, notify
from services.webhooks.secrets import secrets_of
from workers.webhook.post import Answer
from workers.webhook.retries import WebhookRetries

_DELIVERIES, _ATTEMPTS = table_of(WebhookDelivery), table_of(WebhookAttempt)
_ENDPOINTS, _USERS = table_of(WebhookEndpoint), table_of(AppUser)
_D, _E, _U = _DELIVERIES.c, _ENDPOINTS.c, _USERS.c
_BEFORE = _DELIVERIES.alias()


_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """One that has something due. `secrets`: what to sign with now."""

    id: str
    url: str
    rate: int | None
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Due:
    """A message that may go now. `attempt`: of this number, from 1."""

    id: str
    endpoint_id: str
    event_id: str
    body: str
    attempt: int


@dataclass(frozen=True)
class Result:
    """What became of an attempt. `failures`: of the endpoint on end, this one included."""

    due: Due
    answer: Answer
    failures: int


class WebhookQueue:
    """The waiting messages of a record."""

    def __init__(
        self, engine: Engine, patience: WebhookRetries, clock: Callable[[], datetime] = now
    ) -> None:
        """Take the record, how long to try, and who says what time it is."""
        self._engine, self._patience, self._clock = engine, patience, clock

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints that have something due and did not ask to be left alone."""
        at = self._clock()
        waits = exists().where(
            _D.endpoint_id == _E.id, _D.status == WebhookStatus.WAITING, _D.next_attempt_at <= at
        )
        left_alone = _E.not_before.is_not(None) & (_E.not_before > at)
        query = select(_E.id, _E.url, _E.rate).where(
            _E.status == EndpointStatus.ACTIVE, ~left_alone, waits
        )
        with reading(self._engine) as connection:
            return [
                Endpoint(row.id, row.url, row.rate, tuple(secrets_of(connection, row.id, at)))
                for row in connection.execute(query).all()
            ]

    def due(self, endpoint_id: str, limit: int, without: Collection[str]) -> list[Due]:
        """Return what may go to an endpoint now, those that wait longest first.

        Of each case only the first that is not done: a later one never overtakes it.

        Args:
            endpoint_id: Which endpoint.
            limit: How many at most.
            without: Messages that are under way already.
        """
        earlier = exists().where(
            _BEFORE.c.endpoint_id == _D.endpoint_id,
            _BEFORE.c.case_id == _D.case_id,
            _BEFORE.c.status == WebhookStatus.WAITING,
            _BEFORE.c.seq < _D.seq,
        )
        query = (
            select(_D.id, _D.endpoint_id, _D.event_id, _D.body, _D.attempts + 1)
            .where(
                _D.endpoint_id == endpoint_id,
                _D.status == WebhookStatus.WAITING,
                _D.next_attempt_at <= self._clock(),
                _D.id.not_in(without),
                ~earlier,
            )
            .order_by(_D.next_attempt_at, _D.seq)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [Due(*row) for row in connection.execute(query)]

    def note(self, results: Sequence[Result]) -> None:
        """Put on record what became of some attempts, in one transaction."""
        with transaction(self._engine) as connection:
            connection.execute(insert(_ATTEMPTS), [_attempt(each) for each in results])
            self._done([each for each in results if each.answer.taken], connection)
            for each in results:
                if not each.answer.taken:
                    self._not_taken(connection, each)

    def _done(self, taken: Sequence[Result], connection: Connection) -> None:
        if not taken:
            return
        at, delivery = self._clock(), bindparam("delivery", type_=_D.id.type)
        connection.execute(
            update(_DELIVERIES)
            .where(_D.id == delivery)
            .values(status=WebhookStatus.DELIVERED, attempts=bindparam("n"), done_at=at),
            [{"delivery": each.due.id, "n": each.due.attempt} for each in taken],
        )
        for endpoint_id in {each.due.endpoint_id for each in taken}:
            since = connection.scalar(select(_E.failing_since).where(_E.id == endpoint_id))
            if since is None:
                continue
            connection.execute(
                update(_ENDPOINTS).where(_E.id == endpoint_id).values(failing_since=None)
            )
            # What is refused while others are taken keeps its times, and so its attempts.
            if since + self._patience.worth_hurrying <= at and any(
                each.failures >= self._patience.outage
                for each in taken
                if each.due.endpoint_id == endpoint_id
            ):
                self._hurry(connection, endpoint_id, at)

    def _hurry(self, connection: Connection, endpoint_id: str, at: datetime) -> None:
        """The endpoint was away and is back: nothing has to wait for its own next attempt."""
        connection.execute(
            update(_DELIVERIES)
            .where(
                _D.endpoint_id == endpoint_id,
                _D.status == WebhookStatus.WAITING,
                _D.next_attempt_at > at,
            )
            .values(next_attempt_at=at)
        )

    def _not_taken(self, connection: Connection, result: Result) -> None:
        due, answer, at = result.due, result.answer, self._clock()
        last = due.attempt >= self._patience.attempts
        values: dict[str, Any] = {"attempts": due.attempt}
        if last:
            values |= {"status": WebhookStatus.FAILED, "done_at": at}
        else:
            values["next_attempt_at"] = at + self._patience.delay(due.attempt, answer.wish)
        connection.execute(update(_DELIVERIES).where(_D.id == due.id).values(values))
        connection.execute(
            update(_ENDPOINTS)
            .where(_E.id == due.endpoint_id, _E.failing_since.is_(None))
            .values(failing_since=answer.at)
        )
        if answer.overloaded and answer.wish is not None:
            until = at + min(answer.wish, self._patience.longest_wish)
            connection.execute(
                update(_ENDPOINTS).where(_E.id == due.endpoint_id).values(not_before=until)
            )
        endpoint = connection.execute(select(_ENDPOINTS).where(_E.id == due.endpoint_id)).one()
        tired = endpoint.failing_since + self._patience.disable_after <= at
        if endpoint.status == EndpointStatus.ACTIVE and (answer.gone or tired):
            why = (
                "接收方答复 410" if answer.gone else f"自 {_day(endpoint.failing_since)} 起持续失败"
            )
            self._disable(connection, endpoint, why, at)

    def _disable(self, connection: Connection, endpoint: Any, why: str, at: datetime) -> None:  # noqa: ANN401 - a row
        connection.execute(
            update(_ENDPOINTS)
            .where(_E.id == endpoint.id)
            .values(status=EndpointStatus.DISABLED, why=why)
        )
        mine = _U.org == endpoint.owner_org if endpoint.owner_org else _U.org.is_(None)
        users = connection.scalars(
            select(_U.id).where(
                _U.season_id == endpoint.season_id, _U.role == endpoint.owner_role, mine
            )
        ).all()
        if not users:
            _log.warning("nobody_to_tell", alarm=True, endpoint_id=endpoint.id, why=why)
        key = f"{endpoint.id}:disabled:{at.isoformat()}"
        said = _disabled_notice(endpoint.description or endpoint.url, endpoint.id, why)
        notices = dict.fromkeys(users, said)
        notify(connection, Notification(key, "webhook_disabled", None, notices), at)


def _attempt(result: Result) -> dict[str, Any]:
    answer = result.answer
    return {
        "delivery_id": result.due.id,
        "n": result.due.attempt,
        "at": answer.at,
        "status_code": answer.status,
        "latency_ms": answer.latency_ms,
        "error": answer.error,
        "answer_head": answer.head,
    }


def _disabled_notice(name: str, endpoint_id: str, why: str) -> NotificationText:
    text = (
        f"Webhook 端点“{name}”（{endpoint_id}）已停用：{why}。\n"
        "未送达的消息仍保留。修复后请启用端点：tuixuan webhook resume。\n\n"
        f'The webhook endpoint "{name}" ({endpoint_id}) was disabled: it failed for days, or '
        "answered 410.\nWhat was not delivered is kept. Mend it, then: tuixuan webhook resume.\n"
    )
    return NotificationText("【推选】Webhook 端点已停用 Webhook endpoint disabled", text)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
