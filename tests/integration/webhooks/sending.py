"""Invented events, fanned out to endpoints, and a running sender that posts them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

from sqlalchemy import Engine, insert

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.binding import digest_of_event
from models.cases.events import CaseEvent, CaseEventData, case_event
from models.cases.states import State
from models.store.engine import transaction
from models.webhooks.retries import WebhookRetries
from models.webhooks.status import WebhookStatus
from services.clock import now
from services.webhooks.deliveries import webhook_log
from tests.factories import SEASON
from tests.receivers import INSIDE, QUICK
from tests.streams import incoming
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


def keep_lines(engine: Engine, events: Sequence[CaseEvent]) -> None:
    """Put the invented cases on record, each event with the line of history that it announces."""
    at = now()
    unit = {
        "id": "unit_1", "season_id": SEASON, "name": "（虚构）单位", "name_key": "unit_1",
        "created_at": at,
    }  # fmt: skip
    cases = [
        {
            "id": case_id, "season_id": SEASON, "body_id": "fujian", "unit_id": unit["id"],
            "applicant_id": "applicant_1", "title": "（虚构）案例", "category": "audiovisual",
            "state": State.RECOMMENDATION, "head_hash": "0" * 64, "revision": 1, "seq": len(STEPS),
            "overdue": False, "return_rounds": 0, "since": at, "created_at": at, "updated_at": at,
        }
        for case_id in {each.data.case_id for each in events}
    ]  # fmt: skip
    lines = [
        {
            "case_id": each.data.case_id, "seq": each.data.seq, "update_id": each.id,
            "action": each.data.action, "source": each.data.source, "target": each.data.target,
            "actor_role": each.data.actor_role, "actor_id": "actor_1", "at": each.time,
            "command": {}, "command_digest": "", "previous_hash": "",
            "event_digest": digest_of_event(each.to_json()), "hash": each.data.record_hash,
        }
        for each in events
    ]  # fmt: skip
    with transaction(engine) as connection:
        connection.execute(insert(tables.unit), unit)
        connection.execute(insert(tables.case_record), cases)
        connection.execute(insert(tables.transition), lines)


def fan_out_events(engine: Engine, *events: CaseEvent) -> None:
    """Have the consumer's handler take some events."""
    handler = WebhookHandler(engine)
    for event in events:
        handler.apply([incoming(event.to_json(), 1)])


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
