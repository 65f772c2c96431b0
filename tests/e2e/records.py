"""Compare the four records of cases to the last byte, and what people were told of them.

SQL is the record, the workflow the process, the stream the announcement, the audit store the
witness. After whatever happened they say the same: each step once, in order, none more.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from nats.js.api import RawStreamMsg
from sqlalchemy import Connection, Engine, Table, select

from models.cases.events import CaseEvent
from models.cases.history import transition_hash
from models.chain import GENESIS
from models.notifications.delivery import Channel
from models.notifications.recipients import roles_notified
from models.store.engine import reading
from models.stream.names import event_subject
from models.tables import (
    CaseRecord,
    Delivery,
    InboxMessage,
    Outbox,
    Transition,
    table_of,
)
from models.tables.audit import AuditChainRow
from services.cases.service import CaseService
from services.notifications.recipients import concerned_by
from services.notifications.reminders import OVERTAKABLE
from tests.e2e.stack import Stack
from tests.slack import slack
from tests.streams import messages

CASES, LINES, OUTBOX = table_of(CaseRecord), table_of(Transition), table_of(Outbox)
INBOX, DELIVERIES, AUDIT = table_of(InboxMessage), table_of(Delivery), table_of(AuditChainRow)

Row = dict[str, Any]


class Step(NamedTuple):
    """One step of a case, as each of the records that keep steps must have it."""

    seq: int
    event: str
    body: str


def rows_of(connection: Connection, table: Table, case_id: str, order: str) -> list[Row]:
    """Return a case's rows of a table."""
    query = select(*table.c).where(table.c.case_id == case_id).order_by(table.c[order])
    return [dict(row) for row in connection.execute(query).mappings()]


SETTLED_SECONDS = 90.0
"""What a killed process held comes again when its lease has run out: after a minute at most."""


def recorded(engine: Engine, case_id: str) -> tuple[Row, list[Row], list[Row]]:
    """Return a case's row, its lines and its outbox."""
    with reading(engine) as connection:
        case = connection.execute(select(*CASES.c).where(CASES.c.id == case_id)).mappings().one()
        lines = rows_of(connection, LINES, case_id, "seq")
        return dict(case), lines, rows_of(connection, OUTBOX, case_id, "seq")


def settle(stack: Stack, case_ids: Sequence[str]) -> None:
    """Wait until nothing of these cases is on its way any more."""

    def settled() -> bool:
        with reading(stack.engine) as connection:
            mine = select(OUTBOX.c.body, OUTBOX.c.published_at).where(
                OUTBOX.c.case_id.in_(case_ids)
            )
            rows = connection.execute(mine).all()
            if not all(row.published_at for row in rows):
                return False
            waiting = select(DELIVERIES.c.id).where(DELIVERIES.c.status == "waiting").limit(1)
            if connection.scalar(waiting) is not None:
                return False
            events = {event.id: event for event in map(read_body, rows)}
            told = set(connection.scalars(select(INBOX.c.event_id)))
            if any(recipients(connection, events[id_]) for id_ in events.keys() - told):
                return False
        with reading(stack.audit_engine) as connection:
            return events.keys() <= set(connection.scalars(select(AUDIT.c.event_id)))

    stack.wait_until(settled, within=SETTLED_SECONDS, what="everything announced and witnessed")


def read_body(row: Any) -> CaseEvent:
    """Return the event in a row of the outbox."""
    return CaseEvent.model_validate_json(row.body)


def recipients(connection: Connection, event: CaseEvent) -> list[tuple[str, bool]]:
    """Return who is notified of an event, and whether by mail too."""
    data, roles = event.data, roles_notified(event.data)
    found = concerned_by(connection, data, roles)
    return [(each.id, Channel.MAIL in each.channels) for each in found]


async def assert_four_records_agree(stack: Stack, case_ids: Sequence[str]) -> int:
    """Compare everything about these cases; return how many steps they took together."""
    await asyncio.to_thread(settle, stack, case_ids)
    nats = await stack.nats()
    try:
        stream = await messages(nats.jetstream(timeout=slack(5)))
    finally:
        await nats.close()
    service = CaseService(stack.engine, await stack.client())
    steps = 0
    for case_id in case_ids:
        case, lines, outbox = recorded(stack.engine, case_id)
        assert_history_holds(case, lines)
        mine = [message for message in stream if f".{case_id}." in str(message.subject)]
        announced = assert_announced(lines, outbox, mine)
        assert_witnessed(stack.audit_engine, case_id, announced)
        assert_told_once(stack, case_id, announced)
        snapshot = await service.snapshot(case_id)
        shown = (snapshot.state, snapshot.seq, snapshot.deadline, snapshot.overdue)
        assert shown == (case["state"], case["seq"], case["deadline"], case["overdue"])
        steps += len(lines)
    return steps


def assert_history_holds(case: Row, lines: list[Row]) -> None:
    """The lines are a chain without a gap that ends where the case stands."""
    head, state = GENESIS, "draft"
    for place, line in enumerate(lines, start=1):
        assert (line["seq"], line["previous_hash"], line["source"]) == (place, head, state)
        assert line["hash"] == transition_hash(line)
        head, state = line["hash"], line["target"]
    assert (case["seq"], case["head_hash"], case["state"]) == (len(lines), head, state)
    updates = Counter(line["update_id"] for line in lines)
    assert set(updates.values()) <= {1}


def assert_announced(
    lines: list[Row], outbox: list[Row], stream: Sequence[RawStreamMsg]
) -> list[Step]:
    """Each line has one event in the outbox, and the stream the very same bytes, in order."""
    assert len(stream) == len(lines)
    steps, places = [], []
    for line, row in zip(lines, outbox, strict=True):
        event = CaseEvent.model_validate_json(row["body"])
        case_id, seq = line["case_id"], line["seq"]
        said = (event.data.case_id, event.data.seq, event.data.action, event.data.record_hash)
        assert said == (case_id, seq, line["action"], line["hash"])
        assert (event.data.source, event.data.target) == (line["source"], line["target"])
        subject = event_subject(event.name, case_id, seq)
        found = [message for message in stream if message.subject == subject]
        assert [message.data for message in found] == [row["body"].encode()]
        assert (found[0].headers or {})["Nats-Msg-Id"] == event.id
        assert found[0].seq == row["stream_seq"]
        places.append(row["stream_seq"])
        steps.append(Step(seq, event.name, row["body"]))
    assert places == sorted(places)
    return steps


def assert_witnessed(audit: Engine, case_id: str, announced: list[Step]) -> None:
    """The audit holds the same events, each once, as they were announced."""
    with reading(audit) as connection:
        lines = rows_of(connection, AUDIT, case_id, "n")
    rows = [line for line in lines if line["kind"] == "event"]
    assert [(row["case_seq"], row["body"]) for row in rows] == [
        (step.seq, step.body) for step in announced
    ]


def assert_told_once(stack: Stack, case_id: str, announced: list[Step]) -> None:
    """Everybody concerned has each event once in the inbox, and once as a mail.

    But a reminder that something followed before it was told may be told to nobody.
    """
    with reading(stack.engine) as connection:
        told = rows_of(connection, INBOX, case_id, "id")
        sent = connection.execute(
            select(INBOX.c.recipient, INBOX.c.event_id, DELIVERIES.c.id, DELIVERIES.c.status)
            .join_from(DELIVERIES, INBOX)
            .where(INBOX.c.case_id == case_id)
        ).all()
        wanted: list[tuple[str, str]] = []
        by_mail: list[tuple[str, str]] = []
        told_of = {row["event_id"] for row in told}
        for step in announced:
            event = CaseEvent.model_validate_json(step.body)
            if event.name in OVERTAKABLE and step is not announced[-1] and event.id not in told_of:
                continue
            for person, has_mail in recipients(connection, event):
                wanted.append((person, event.id))
                by_mail += [(person, event.id)] if has_mail else []
    assert sorted((row["recipient"], row["event_id"]) for row in told) == sorted(wanted)
    assert sorted((row.recipient, row.event_id) for row in sent) == sorted(by_mail)
    assert {row.status for row in sent} <= {"sent", "dropped"}
    letters = {path.name for path in stack.places.mail.glob("*.eml")}
    assert {f"{row.id}.eml" for row in sent if row.status == "sent"} <= letters


def assert_whole_system_agrees(stack: Stack) -> None:
    """What the system says of itself: the audit verifies, and nothing is to be reconciled."""
    verified = stack.json("audit", "verify")
    assert (verified["ok"], verified["problems"]) == (True, [])
    reconciled = stack.json("reconcile", "--all")
    assert (reconciled["ok"], reconciled["differences"]) == (True, [])
    assert verified["cases"] <= reconciled["cases"]
