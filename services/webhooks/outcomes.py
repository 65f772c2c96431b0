"""Write down what came of attempts: delivered, tried again later, or set aside as failed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from models import tables
from models.webhooks.answers import Answer
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import WebhookStatus
from services.webhooks.disable import disable_if_hopeless

_endpoint, _delivery = tables.webhook_endpoint.c, tables.webhook_delivery.c


@dataclass(frozen=True)
class DueWebhook:
    """A message that may go now. `attempt`: of this number, from 1."""

    id: str
    endpoint_id: str
    event_id: str
    body: str
    attempt: int


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `failures`: of the endpoint in a row, this one included."""

    due: DueWebhook
    answer: Answer
    failures: int


def record_outcomes(
    connection: Connection, outcomes: Sequence[Outcome], retries: WebhookRetries, at: datetime
) -> None:
    """Write down some outcomes, within the caller's transaction."""
    connection.execute(insert(tables.webhook_attempt), [_attempt(each) for each in outcomes])
    accepted = [each for each in outcomes if each.answer.accepted]
    if accepted:
        _mark_delivered(connection, accepted, at)
        for endpoint_id, some in _by_endpoint(accepted):
            _end_failing(connection, endpoint_id, max(each.failures for each in some), retries, at)
    for each in outcomes:
        if not each.answer.accepted:
            _try_later(connection, each, retries, at)
            endpoint = _note_failing(connection, each, retries, at)
            disable_if_hopeless(connection, endpoint, each.answer, retries, at)


def _attempt(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    return {
        "delivery_id": outcome.due.id,
        "n": outcome.due.attempt,
        "at": answer.at,
        "status_code": answer.status,
        "latency_ms": answer.latency_ms,
        "error": answer.error,
        "answer_head": answer.head,
    }


def _by_endpoint(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, list[Outcome]]]:
    ordered = sorted(outcomes, key=lambda each: each.due.endpoint_id)
    for endpoint_id, some in groupby(ordered, key=lambda each: each.due.endpoint_id):
        yield endpoint_id, list(some)


def _mark_delivered(connection: Connection, accepted: Sequence[Outcome], at: datetime) -> None:
    connection.execute(
        update(tables.webhook_delivery)
        .where(_delivery.id == bindparam("delivery", type_=_delivery.id.type))
        .values(status=WebhookStatus.DELIVERED, attempts=bindparam("n"), done_at=at),
        [{"delivery": each.due.id, "n": each.due.attempt} for each in accepted],
    )


def _end_failing(
    connection: Connection, endpoint_id: str, failures: int, retries: WebhookRetries, at: datetime
) -> None:
    """Note that an endpoint accepts messages; after an outage what waited is due at once."""
    mine = _endpoint.id == endpoint_id
    since = connection.scalar(select(_endpoint.failing_since).where(mine))
    if since is None:
        return
    connection.execute(update(tables.webhook_endpoint).where(mine).values(failing_since=None))
    # What is refused while others are accepted keeps its times, and so its attempts.
    if since + retries.worth_hurrying <= at and failures >= retries.outage:
        connection.execute(
            update(tables.webhook_delivery)
            .where(
                _delivery.endpoint_id == endpoint_id,
                _delivery.status == WebhookStatus.WAITING,
                _delivery.next_attempt_at > at,
            )
            .values(next_attempt_at=at)
        )


def _try_later(
    connection: Connection, outcome: Outcome, retries: WebhookRetries, at: datetime
) -> None:
    """Set the time of the next attempt; after the last one the message is set aside."""
    due = outcome.due
    values: dict[str, Any] = {"attempts": due.attempt}
    if due.attempt >= retries.attempts:
        values |= {"status": WebhookStatus.FAILED, "done_at": at}
    else:
        chance = random.random()  # noqa: S311 - no secret
        wait = retries.delay(due.attempt, outcome.answer.retry_after, chance=chance)
        values["next_attempt_at"] = at + wait
    connection.execute(update(tables.webhook_delivery).where(_delivery.id == due.id).values(values))


def _note_failing(
    connection: Connection, outcome: Outcome, retries: WebhookRetries, at: datetime
) -> Row[*tuple[Any, ...]]:
    """Note since when an endpoint fails and until when it is left alone; return its row."""
    answer = outcome.answer
    first_failure = bindparam(None, answer.at, type_=_endpoint.failing_since.type)
    values: dict[str, Any] = {
        "failing_since": func.coalesce(_endpoint.failing_since, first_failure)
    }
    if answer.overloaded and answer.retry_after is not None:
        values["not_before"] = at + retries.honoured(answer.retry_after)
    return connection.execute(
        update(tables.webhook_endpoint)
        .where(_endpoint.id == outcome.due.endpoint_id)
        .values(values)
        .returning(*_endpoint)
    ).one()
