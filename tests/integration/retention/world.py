"""A season with expired data, and what the tests of retention ask of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, select, update

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.notifications.retries import DeliveryRetries
from models.programme.retention import Retention
from models.store.engine import reading, transaction
from models.webhooks.answers import Answer
from models.webhooks.retries import WebhookRetries
from services.audit.entries import AuditEntryView, list_entries
from services.cases.queries import history
from services.cases.views import HistoryLine
from services.notifications.queue import DeliveryQueue
from services.retention.due import due
from services.retention.removal import removing, total
from services.webhooks.outcomes import Outcome
from services.webhooks.queue import Room, WebhookQueue
from tests.factories import (
    OPENS,
    SEASON,
    commit,
    programme,
)
from tests.integration.audit.stores import Stores
from tests.streams import incoming, outbox
from workers.audit import AuditHandler
from workers.notify.handler import NotifyHandler
from workers.webhook.handler import WebhookHandler

CLASSES = tuple(Retention.model_fields)

ROOT = Actor(role=Role.OPERATOR, id="root")

REASON = "不符合本省推荐条件"

OVER = datetime(2024, 7, 15, 16, tzinfo=UTC)
"""The end of the last day of the public notice, in Beijing."""

SENT = OPENS + timedelta(hours=1)

LONG_AFTER = OPENS + timedelta(days=4000)

DAY = timedelta(days=1)


@dataclass
class World(Stores):
    """A season with a case that has ended; people were notified, the audit witnessed it."""

    ended: str = ""
    open: str = ""

    def notify(self) -> None:
        """Notify people and endpoints of every event, and let everything leave."""
        events = [incoming(row.body) for row in outbox(self.record)]
        NotifyHandler(self.record, clock=lambda: SENT).apply(events)
        WebhookHandler(self.record, clock=lambda: SENT).apply(events)
        mails = DeliveryQueue(self.record, DeliveryRetries(), clock=lambda: SENT)
        for delivery in mails.due():
            taken = mails.take(delivery)
            assert taken is not None
            mails.sent(taken)
        failed = {"status": "failed", "last_error": "13800000000 refused", "next_attempt_at": SENT}
        sms = update(tables.delivery).where(tables.delivery.c.channel == "sms")
        with transaction(self.record) as connection:
            connection.execute(sms.values(failed))
        hooks = WebhookQueue(self.record, WebhookRetries(), clock=lambda: SENT)
        while found := hooks.due(lambda _: Room(10)):
            answer = Answer(at=SENT, status=200, latency_ms=1, head="good")
            hooks.record([Outcome(each, answer, 0) for it in found for each in it.messages])

    def append_entries(self) -> None:
        AuditHandler(self.audit, self.anchors).append_entries(self.record)

    def counts(self, now: datetime) -> dict[str, int]:
        return {each.name: each.due for each in due(self.record, now, SEASON)}

    def remove(self, now: datetime) -> dict[str, int]:
        batches = removing(self.record, SEASON, ROOT, "req_1", now)
        return {each.name: each.removed for each in total(SEASON, batches)}

    def entries(self) -> list[AuditEntryView]:
        return [*reversed(list_entries(self.record, kind="removal", limit=200))]

    def rows(self, table: Table, **wanted: Any) -> list[Any]:
        with reading(self.record) as connection:
            return list(connection.execute(select(table).filter_by(**wanted)).all())


def keep_days(engine: Engine, days: int) -> None:
    """Let the season's programme on record keep every class so long, even where it may not."""
    seasons = tables.season
    kept = {**programme().model_dump(mode="json"), "retention": dict.fromkeys(CLASSES, days)}
    with transaction(engine) as connection:
        connection.execute(update(seasons).values(programme=kept))


def end_open_case(world: World) -> None:
    commit(world.record, world.open, Action.WITHDRAW)
    world.notify()
    world.witness()


def moments(world: World) -> dict[str, datetime]:
    """Return the instant from which the days of each class count."""
    end = next(
        line.at for line in world.rows(tables.transition, case_id=world.ended) if line.seq == 3
    )
    return {"forms": end, "reasons": end, "messages": SENT, "webhooks": SENT, "addresses": OVER}


def contents(world: World, case_id: str) -> list[str]:
    """Whatever people wrote about a case, or were sent about it."""
    return [
        *(str(row.form) for row in world.rows(tables.case_revision, case_id=case_id)),
        *(row.text for row in world.rows(tables.case_reason, case_id=case_id)),
        *(str(row.reason) for row in world.rows(tables.transition, case_id=case_id)),
        *(row.text for row in world.rows(tables.inbox_message, case_id=case_id)),
    ]


def history_of(world: World) -> list[HistoryLine]:
    return history(world.record, world.ended).items


def frozen(world: World, case_id: str) -> int | None:
    [row] = world.rows(tables.case_record, id=case_id)
    revision: int | None = row.frozen_revision
    return revision
