"""The first start leaves something to see; the second one finds it all, and makes nothing new."""

from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.cases.samples import load_samples
from models.store.engine import reading
from models.tables import (
    AuditEntryRow,
    CaseRecord,
    Delivery,
    InboxMessage,
    Season,
    Transition,
    table_of,
)
from models.tables.audit import AuditChainRow
from services.audit.entries import read_waiting
from services.demo.samples import SAMPLES, shipped
from tests.e2e.records import assert_four_records_agree, assert_whole_system_agrees
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("first-start")]

KEPT = (Season, CaseRecord, Transition, InboxMessage, Delivery, AuditEntryRow)
RECORD = [table_of(each) for each in KEPT]
AUDIT = table_of(AuditChainRow)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Stack]:
    """A folder in which nothing has ever run."""
    stack = Stack(tmp_path / "new")
    try:
        yield stack
    finally:
        stack.clean()


def counts(stack: Stack) -> dict[str, int]:
    """Return how much of everything there is."""
    found = {"mails": len(list(stack.places.mail.glob("*.eml")))}
    for engine, tables in (
        (stack.engine, RECORD),
        (stack.audit_engine, [AUDIT]),
    ):
        with reading(engine) as connection:
            for table in tables:
                rows = connection.scalar(select(func.count()).select_from(table))
                found[table.name] = rows or 0
    with reading(stack.audit_engine) as connection:
        events = select(func.count()).where(AUDIT.c.kind == "event")
        found["audited_events"] = connection.scalar(events) or 0
    return found


async def test_two_starts(new: Stack) -> None:
    said = new.run("up", "--detach")
    assert "http://127.0.0.1:" in said.stdout
    assert ".eml" in said.stdout  # no mail server is named, and the start says so
    addresses = new.addresses

    samples = load_samples(shipped(SAMPLES))
    assert [season["id"] for season in new.json("season", "list")["items"]] == ["2024"]
    cases = new.json("case", "list")["items"]
    assert len(cases) == len(samples) > 12
    assert all(case["title"].startswith("【示例】") for case in cases)
    states = Counter(case["state"] for case in cases)
    stages = [sample.stage for sample in samples]
    assert states == Counter("draft" if stage == "returned" else stage for stage in stages)
    assert len(states) >= 8
    assert all(case["deadline"] or case["awaited"] is None for case in cases)
    assert not any(case["overdue"] for case in cases)

    ids = [case["id"] for case in cases]
    steps = await assert_four_records_agree(new, ids)
    assert len(new.json("inbox", "2024-fujian")["items"]) >= 5
    mails = [message_from_bytes(path.read_bytes()) for path in new.places.mail.glob("*.eml")]
    assert mails
    assert all(str(mail["To"]).endswith("@example.invalid") for mail in mails)
    new.wait_until(lambda: not read_waiting(new.engine), what="every deed in the audit")
    before = counts(new)
    assert before["transition"] == before["audited_events"] == steps
    assert before["audit_record"] - steps == before["deed"] >= len(samples)
    pages = [new.json("case", "list"), new.json("season", "list")]
    assert new.refused("up")[:2] == (1, "stack_running")

    new.down()
    assert new.run("status", check=False).returncode == 69
    assert new.json("case", "list")["items"] == cases  # what is on record needs no servers
    assert new.refused("case", "submit", ids[0])[:2] == (69, "stack_not_running")

    assert new.up()["addresses"] == addresses
    assert counts(new) == before
    assert [new.json("case", "list"), new.json("season", "list")] == pages
    returned = next(case["id"] for case in cases if case["return_rounds"])
    assert new.json("case", "submit", returned)["state"] == "province_review"
    assert await assert_four_records_agree(new, ids) == steps + 1
    assert_whole_system_agrees(new)
