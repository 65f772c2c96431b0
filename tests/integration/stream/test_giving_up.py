"""What a consumer can make nothing of is set aside as a dead letter; the audit keeps it."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.cases.events import CaseEvent
from models.cases.states import State
from models.stream.names import EVENTS, Durable
from tests.factories import make_case
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
from workers.stream.relay import Relay


def broken(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "specversion": "9.9"}


def renamed(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "type": "org.tuixuan.case.exploded"}


def another(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "id": "case_other:1"}


def chatty(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "data": {**body["data"], "contact_mobile": "13800000000"}}


CHANGES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [broken, renamed, another, chatty]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_message_that_is_no_event_of_ours_is_given_up_or_kept(
    sqlite_engine: Engine, season: str, js: JetStreamContext, change: Callable[[Any], Any]
) -> None:
    """Notify gives it up into the dead letters; audit never drops anything."""
    make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    row = outbox(sqlite_engine)[0]
    await js.publish(row.subject, json.dumps(change(json.loads(row.body))).encode())
    with capture_logs() as logs:
        for name in (Durable.NOTIFY, Durable.AUDIT):
            notebook = Notebook(sqlite_engine, name)
            async with consuming(js, AsTheyCome(notebook), sqlite_engine):
                await until(partial(_refused_by, logs, name))
            assert notebook.lines() == []
    assert [line["consumer"] for line in logs if line["event"] == "dead_letter"] == ["notify"]
    assert "13800000000" not in str(logs)
    assert await advisories(js) == 1
    assert (await js.consumer_info(EVENTS, Durable.NOTIFY)).num_ack_pending == 0
    assert (await js.consumer_info(EVENTS, Durable.AUDIT)).num_ack_pending == 1


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
        self.asked: list[str] = []
        self._broken = event_id

    def apply(self, event: CaseEvent, body: str, stream_seq: int) -> None:
        del body, stream_seq
        self.asked.append(event.id)
        if event.id == self._broken:
            raise KeyError(event.id)


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
    assert fails.asked == [first, second, first]
    assert [line["stream_seq"] for line in logs if line["event"] == "dead_letter"] == [1]


async def _given_up(js: JetStreamContext, count: int) -> bool:
    return await advisories(js) == count
