"""What a consumer can make nothing of is set aside as a dead letter, also by the audit."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine
from structlog.testing import capture_logs

from cli.commands.dead_letter.consumers import consumers
from models.cases.states import State
from models.refusals import Refused
from models.stream.incoming import IncomingEvent
from models.stream.names import EVENTS, Durable
from services.stream.dead_letter_retry import retry
from services.stream.dead_letters import discard, list_dead_letters
from tests.factories import make_case
from tests.integration.audit.stores import tamper
from tests.integration.stream.notebooks import (
    Notebook,
    advisories,
    consuming,
    ids,
    short_wait,
)
from tests.streams import outbox
from tests.waiting import until
from workers.stream.handing_over import AsTheyCome, InOrder
from workers.stream.jetstream import MAX_ACK_PENDING
from workers.stream.relay import Relay


def broken(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "specversion": "9.9"}


def renamed(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "type": "org.tuixuan.case.exploded"}


def another(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "id": "case_other:1"}


CHANGES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [broken, renamed, another]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_message_that_is_no_event_of_ours_is_given_up(
    sqlite_engine: Engine, season: str, js: JetStreamContext, change: Callable[[Any], Any]
) -> None:
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    row = outbox(sqlite_engine)[0]
    await js.publish(row.subject, json.dumps(change(json.loads(row.body))).encode())
    with capture_logs() as logs:
        for name in (Durable.NOTIFY, Durable.AUDIT):
            notebook = Notebook(sqlite_engine, name)
            async with consuming(js, AsTheyCome(notebook), sqlite_engine):
                await until(partial(_refused_by, logs, name))
            # The event of the record in whose place it came is handled all the same, once.
            assert set(notebook.events()) == {f"{case_id}:1"}
    assert [line["consumer"] for line in logs if line["event"] == "dead_letter"] == [
        "notify",
        "audit",
    ]
    assert "13800000000" not in str(logs)
    assert await advisories(js) == 2
    for name in (Durable.NOTIFY, Durable.AUDIT):
        assert (await js.consumer_info(EVENTS, name)).num_ack_pending == 0


async def test_the_audit_keeps_an_event_of_the_record_that_it_cannot_read_yet(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    """A newer version wrote it: it stays in the stream until the audit is newer, too."""
    make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    body = json.dumps(renamed(json.loads(outbox(sqlite_engine)[0].body)))
    tamper(sqlite_engine, "UPDATE outbox SET body = :body", body=body)
    await js.publish(outbox(sqlite_engine)[0].subject, body.encode())
    notebook = Notebook(sqlite_engine, Durable.AUDIT)
    with capture_logs() as logs:
        async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
            await until(partial(_refused_by, logs, Durable.AUDIT))
    assert list_dead_letters(sqlite_engine) == []
    assert await advisories(js) == 0
    assert (await js.consumer_info(EVENTS, Durable.AUDIT)).num_ack_pending == 1


async def test_a_flood_of_foreign_messages_does_not_block_the_audit(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    """As many as the server hands out at once, and true events behind them."""
    for n in range(MAX_ACK_PENDING):
        await js.publish(f"tuixuan.v1.case.note.j{n}.1", b"{}")
    make_case(sqlite_engine, season=season, state=State.FORMAL_CHECK)
    await Relay(sqlite_engine, js).drain()
    notebook = Notebook(sqlite_engine, Durable.AUDIT)
    async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
        await until(lambda: len(notebook.lines()) == 3)
        await until(partial(_given_up, js, MAX_ACK_PENDING))
    letters = list_dead_letters(sqlite_engine)
    assert {letter.consumer for letter in letters} == {Durable.AUDIT}
    with pytest.raises(Refused, match="unreadable_event"):
        await retry(sqlite_engine, letters[0].id, consumers(sqlite_engine), js, "me")
    assert discard(sqlite_engine, letters[0].id, "me", "外来消息").status == "dropped"


@pytest.mark.parametrize("seq", [7, 10**30])
async def test_an_event_to_which_nothing_leads_blocks_the_audit_for_a_while_only(
    sqlite_engine: Engine,
    season: str,
    js: JetStreamContext,
    monkeypatch: pytest.MonkeyPatch,
    seq: int,
) -> None:
    """It is well formed, and no case ever came so far."""
    monkeypatch.setattr("workers.stream.consumer.LONGEST_DELAY", 0.02)
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    event = json.loads(outbox(sqlite_engine)[0].body)
    event["id"], event["data"]["seq"] = f"{case_id}:{seq}", seq
    await js.publish(f"tuixuan.v1.case.submitted.{case_id}.{seq}", json.dumps(event).encode())
    notebook = Notebook(sqlite_engine, Durable.AUDIT)
    async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
        await until(partial(_given_up, js, 1))
    assert notebook.lines() == []
    [letter] = list_dead_letters(sqlite_engine)
    assert letter.consumer == Durable.AUDIT
    with pytest.raises(Refused):
        await retry(sqlite_engine, letter.id, consumers(sqlite_engine), js, "me")


async def test_an_event_under_the_subject_of_another_is_refused(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    case = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    body = outbox(sqlite_engine)[0].body.encode()
    await js.publish(f"tuixuan.v1.case.submitted.{case}.2", body)
    notebook = Notebook(sqlite_engine, Durable.NOTIFY)
    async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
        await until(partial(_given_up, js, 1))
    assert notebook.lines() == []


def _refused_by(logs: list[Any], name: Durable) -> bool:
    return any(line["event"] == "unreadable_message" and line["consumer"] == name for line in logs)


async def test_text_that_is_no_text_is_refused(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    del season
    await js.publish("tuixuan.v1.case.submitted.case_x.1", b"\xff\xfe")
    await js.publish("tuixuan.v1.case.submitted.case_x.2", b"")
    notebook = Notebook(sqlite_engine, Durable.NOTIFY)
    async with consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine):
        await until(partial(_given_up, js, 2))


class FailsOn(Notebook):
    """Breaks on one event, and keeps no order: it notes what it is asked."""

    def __init__(self, engine: Engine, event_id: str) -> None:
        super().__init__(engine, Durable.NOTIFY)
        self.asked: list[list[str]] = []
        self._broken = event_id

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        asked = [each.event.id for each in events]
        self.asked.append(asked)
        if self._broken in asked:
            raise KeyError(self._broken)
        return ()


async def test_after_the_last_attempt_it_is_a_dead_letter(
    sqlite_engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_wait(monkeypatch, Durable.NOTIFY, max_deliver=2)
    make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    await Relay(sqlite_engine, js).drain()
    first, second = ids(outbox(sqlite_engine))
    fails = FailsOn(sqlite_engine, first)
    with capture_logs() as logs:
        async with consuming(js, AsTheyCome(fails), sqlite_engine):
            await until(partial(_given_up, js, 1))
    assert fails.asked == [[first, second], [first], [second], [first]]
    assert [line["stream_seq"] for line in logs if line["event"] == "dead_letter"] == [1]


async def _given_up(js: JetStreamContext, count: int) -> bool:
    return await advisories(js) == count
