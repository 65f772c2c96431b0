"""Remove what endpoints were sent and what they answered, once it is settled."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, select, update

from models import tables
from models.chain import digest
from models.webhooks.status import WebhookStatus
from services.retention.classes import ExpiringClass, Found, Removal, Scope


def _due_webhooks(scope: Scope) -> Select[Any]:
    sent, endpoints = tables.webhook_delivery.c, tables.webhook_endpoint.c
    return (
        select(sent.id, sent.case_id, sent.body, sent.done_at.label("moment"))
        .join_from(tables.webhook_delivery, tables.webhook_endpoint)
        .where(
            endpoints.season_id == scope.season,
            sent.status != WebhookStatus.WAITING,
            sent.done_at <= scope.before,
            sent.removed_at.is_(None),
        )
        .order_by(sent.case_id, sent.id)
    )


def _empty_webhooks(
    connection: Connection, rows: Found, scope: Scope, now: datetime
) -> Iterator[Removal]:
    sent, attempts = tables.webhook_delivery, tables.webhook_attempt
    ids = [row.id for row in rows]
    emptied = update(sent).where(sent.c.id.in_(ids)).values(body="", removed_at=now)
    connection.execute(emptied)
    answers = update(attempts).where(attempts.c.delivery_id.in_(ids))
    connection.execute(answers.values(error=None, answer_head=None))
    for case_id, group in groupby(rows, attrgetter("case_id")):
        bodies = [[row.id, row.body] for row in group]
        what = f"{case_id or scope.season}/webhooks"
        yield Removal(what, case_id, digest(bodies), len(bodies))


WEBHOOKS = ExpiringClass(_due_webhooks, _empty_webhooks)
