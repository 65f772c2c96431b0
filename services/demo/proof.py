"""The steps of the demonstration, each with the proof that its effects are in."""

import asyncio
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Engine, Select, and_, select

from models import tables
from models.ids import event_id
from models.notifications.delivery import Channel, DeliveryStatus
from models.store.engine import reading
from models.tables.audit import audit_record
from services.cases.views import CaseView

PROOF_WITHIN_SECONDS = 15.0
RETRY_SECONDS = 0.05


class DemoStep(BaseModel):
    """A step and its effects.

    Attributes:
        what: What was done, in Chinese.
        case: The case afterwards; None before there is one.
        event: The number of its event in the stream.
        inbox: Whose inboxes have a message of it.
        mails: The mails that were sent: delivery id → recipient.
        audit: The number of its line in the audit's chain.
        refused: The refusal, where the step was meant to be refused.
    """

    what: str
    case: CaseView | None = None
    event: int | None = None
    inbox: list[str] = []
    mails: dict[str, str] = {}
    audit: int | None = None
    refused: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether its event is out, its people are notified and it is in the audit."""
        return self.event is not None and self.audit is not None and bool(self.inbox)


async def wait_for_proof(record: Engine, audit: Engine, what: str, case: CaseView) -> DemoStep:
    """Return a step once all its effects are in; what is still missing then shows as missing."""
    step = DemoStep(what=what, case=case)
    try:
        async with asyncio.timeout(PROOF_WITHIN_SECONDS):
            while not step.is_proven:
                step = await asyncio.to_thread(_read_proof, record, audit, what, case)
                await asyncio.sleep(0 if step.is_proven else RETRY_SECONDS)
    except TimeoutError:
        return step  # the step itself is done
    return step


def _read_proof(record: Engine, audit: Engine, what: str, case: CaseView) -> DemoStep:
    outbox = tables.outbox.c
    announced = select(outbox.stream_seq).where(outbox.case_id == case.id, outbox.seq == case.seq)
    with reading(record) as connection:
        event = connection.scalar(announced)
        messages = connection.execute(_messages_of(event_id(case.id, case.seq))).all()
    lines = audit_record.c
    with reading(audit) as connection:
        line = connection.scalar(
            select(lines.n).where(lines.event_id == event_id(case.id, case.seq))
        )
    pending = any(row.status == DeliveryStatus.WAITING for row in messages)
    return DemoStep(
        what=what,
        case=case,
        event=event,
        audit=line,
        inbox=[] if pending else sorted({row.recipient for row in messages}),
        mails={row.id: row.recipient for row in messages if row.status == DeliveryStatus.SENT},
    )


def _messages_of(event: str) -> Select[Any]:
    """Return the query of the messages of an event, with their mails where there are any."""
    messages, deliveries = tables.inbox_message, tables.delivery
    mailed = and_(deliveries.c.message_id == messages.c.id, deliveries.c.channel == Channel.MAIL)
    return (
        select(messages.c.recipient, deliveries.c.id, deliveries.c.status)
        .join_from(messages, deliveries, mailed, isouter=True)
        .where(messages.c.event_id == event)
    )
