"""Invented events, fanned out to endpoints, and a running sender that posts them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.events import CaseEvent, CaseEventData, case_event
from models.cases.states import State
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import WebhookStatus
from services.clock import now
from services.webhooks.deliveries import webhook_log
from tests.factories import SEASON
from tests.receivers import INSIDE, QUICK
from workers.webhook.handler import WebhookHandler
from workers.webhook.post import Poster
from workers.webhook.sender import WebhookSender

STEPS = (
    (Action.SUBMIT, State.DRAFT, State.PROVINCE_REVIEW),
    (Action.RETURN_FOR_REVISION, State.PROVINCE_REVIEW, State.DRAFT),
    (Action.SUBMIT, State.DRAFT, State.PROVINCE_REVIEW),
    (Action.ACCEPT, State.PROVINCE_REVIEW, State.RECOMMENDATION),
    (Action.SEND_BACK, State.RECOMMENDATION, State.PROVINCE_REVIEW),
    (Action.ACCEPT, State.PROVINCE_REVIEW, State.RECOMMENDATION),
)


def an_event(case_id: str, seq: int, *, body: str = "fujian", unit: str = "unit_1") -> CaseEvent:
    """The event of this number of an invented case."""
    action, source, target = STEPS[seq - 1]
    data = CaseEventData.model_validate(
        {
            "case_id": case_id, "seq": seq, "action": action, "from": source, "to": target,
            "actor_role": Role.BODY, "season": SEASON, "body": body, "unit": unit,
            "category": "audiovisual", "title": "（虚构）案例", "record_hash": "0" * 64,
        }
    )  # fmt: skip
    return case_event(data, now())


def fan_out_events(engine: Engine, *events: CaseEvent) -> None:
    """Have the consumer's handler take some events."""
    handler = WebhookHandler(engine)
    for event in events:
        handler.apply(event, event.to_json(), 1)


@asynccontextmanager
async def sending(engine: Engine, retries: WebhookRetries = QUICK) -> AsyncIterator[None]:
    """Run a sender for the length of a block."""
    stop = asyncio.Event()
    async with aclosing(Poster(INSIDE)) as poster:
        work = asyncio.create_task(WebhookSender(engine, poster, retries).run(stop))
        try:
            yield
        finally:
            stop.set()
            await work


def statuses(engine: Engine, endpoint: str) -> list[str]:
    """The states of what went to an endpoint, the newest first."""
    return [item.status for item in webhook_log(engine, endpoint)]


def done(engine: Engine, endpoint: str, count: int) -> Callable[[], bool]:
    """A condition: so many messages were delivered to an endpoint, and no other is there."""
    return lambda: statuses(engine, endpoint) == [WebhookStatus.DELIVERED] * count
