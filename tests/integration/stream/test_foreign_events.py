"""Nobody is told of an event that is not as its line of history says, whoever made it so."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from cli.commands.dead_letter.consumers import consumers
from models.cases.actions.names import Action
from models.cases.binding import NO_LINE
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import transaction
from models.stream.names import Durable
from services.stream.dead_letter_retry import retry
from services.stream.dead_letters import list_dead_letters
from tests.factories import commit, make_case
from tests.integration.audit.stores import tamper
from tests.integration.notifications.notified import FUJIAN, heard
from tests.integration.stream.notebooks import Notebook, consuming
from tests.streams import messages, outbox
from tests.waiting import until
from workers.notify.handler import NotifyHandler
from workers.stream.handing_over import AsTheyCome, InOrder
from workers.stream.relay import Relay


def changed(body: str, fields: dict[str, Any]) -> str:
    """Return an event with other fields in its data, each of the right type."""
    said = json.loads(body)
    return json.dumps({**said, "data": said["data"] | fields}, ensure_ascii=False)


FORGERIES: list[tuple[dict[str, Any], str]] = [
    ({"to": "published"}, "data.to"),
    ({"deadline": "2031-01-01T00:00:00Z"}, "data"),
    ({"title": "（示例）另一件"}, "data"),
    ({"body": "hunan"}, "data"),
    ({"unit": "unit_other"}, "data"),
    ({"actor_role": "organiser"}, "data.actor_role"),
    ({"awaited": None}, "data"),
    ({"added": "later"}, "data"),
]


@pytest.mark.parametrize(("fields", "differs"), FORGERIES)
async def test_what_was_changed_in_the_outbox_never_leaves(
    engine: Engine, season: str, js: JetStreamContext, fields: dict[str, Any], differs: str
) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    untouched = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    (body,) = (row.body for row in outbox(engine) if row.case_id == case_id)
    change = "UPDATE outbox SET body = :body WHERE case_id = :case"
    with pytest.raises(DBAPIError, match="outbox is insert only"), transaction(engine) as it:
        it.execute(text(change), {"body": body, "case": case_id})
    tamper(engine, change, body=changed(body, fields), case=case_id)

    with capture_logs() as logs:
        await Relay(engine, js).drain()

    assert [str(each.subject).split(".")[4] for each in await messages(js)] == [untouched]
    (alarm,) = (line for line in logs if line.get("alarm"))
    assert (alarm["event"], alarm["case_id"]) == ("event_cannot_be_announced", case_id)
    assert f"({differs} differs)" in alarm["why"]


@pytest.mark.parametrize(("fields", "differs"), FORGERIES)
async def test_what_a_stranger_sent_is_set_aside_and_the_true_event_is_handled(
    sqlite_engine: Engine, season: str, js: JetStreamContext, fields: dict[str, Any], differs: str
) -> None:
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    (row,) = outbox(sqlite_engine)
    await js.publish(row.subject, changed(row.body, fields).encode())
    notebook = Notebook(sqlite_engine, Durable.AUDIT)
    with capture_logs() as logs:
        for way in (
            InOrder(notebook, sqlite_engine),
            AsTheyCome(NotifyHandler(sqlite_engine)),
        ):
            async with consuming(js, way, sqlite_engine):
                await until(partial(_set_aside_by, sqlite_engine, way.consumer))

    assert notebook.events() == [f"{case_id}:1"]
    assert heard(sqlite_engine, FUJIAN) == ["submitted"]
    letters = list_dead_letters(sqlite_engine)
    assert {letter.why for letter in letters} == {
        f"not the event of its line of history: {differs} differs"
    }
    alarms = [line for line in logs if line["event"] == "foreign_event"]
    assert all(line["alarm"] and line["differs"] == differs for line in alarms)
    assert len(alarms) >= 2


async def test_nobody_is_told_of_what_has_not_happened(
    sqlite_engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent before its time, it is the next of its case in every way; in the end it happens."""
    monkeypatch.setattr("workers.stream.consumer.LONGEST_DELAY", 0.1)
    case_id = make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    await Relay(sqlite_engine, js).drain()
    real = make_case(sqlite_engine, season=season, state=State.FORMAL_CHECK)
    body = next(row.body for row in outbox(sqlite_engine) if (row.case_id, row.seq) == (real, 3))
    body = body.replace(real, case_id)
    await js.publish(f"tuixuan.v1.case.recommended.{case_id}.3", body.encode())
    notebook = Notebook(sqlite_engine, Durable.AUDIT)
    told = AsTheyCome(NotifyHandler(sqlite_engine))
    with capture_logs() as logs:
        async with (
            consuming(js, InOrder(notebook, sqlite_engine), sqlite_engine),
            consuming(js, told, sqlite_engine),
        ):
            await until(lambda: {"audit", "notify"} <= _beyond(logs))
            assert heard(sqlite_engine, FUJIAN) == ["submitted"]
            assert notebook.events() == [f"{case_id}:1", f"{case_id}:2"]

            commit(sqlite_engine, case_id, Action.RECOMMEND, rank=1)
            await until(partial(_set_aside_by, sqlite_engine, Durable.NOTIFY))
            await until(partial(_set_aside_by, sqlite_engine, Durable.AUDIT))
    assert heard(sqlite_engine, FUJIAN) == ["submitted", "recommended"]
    assert notebook.events() == [f"{case_id}:{seq}" for seq in (1, 2, 3)]


async def test_what_never_happens_is_set_aside_at_last_and_cannot_be_handled(
    sqlite_engine: Engine, season: str, js: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.stream.consumer.LONGEST_DELAY", 0.02)
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    await Relay(sqlite_engine, js).drain()
    ahead = outbox(sqlite_engine)[0].body.replace(f"{case_id}:1", f"{case_id}:2")
    ahead = changed(ahead, {"seq": 2})
    await js.publish(f"tuixuan.v1.case.submitted.{case_id}.2", ahead.encode())
    async with consuming(js, AsTheyCome(NotifyHandler(sqlite_engine)), sqlite_engine):
        await until(partial(_set_aside_by, sqlite_engine, Durable.NOTIFY))
    assert heard(sqlite_engine, FUJIAN) == ["submitted"]
    (letter,) = list_dead_letters(sqlite_engine)
    assert letter.why == NO_LINE
    with pytest.raises(Refused, match="foreign_event"):
        await retry(sqlite_engine, letter.id, consumers(sqlite_engine), js, "me")
    assert heard(sqlite_engine, FUJIAN) == ["submitted"]


async def test_the_event_in_whose_place_nonsense_stands_is_handled(
    sqlite_engine: Engine, season: str, js: JetStreamContext
) -> None:
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    await js.publish(outbox(sqlite_engine)[0].subject, b"{}")
    notebook = Notebook(sqlite_engine, Durable.AUDIT)
    for way in (InOrder(notebook, sqlite_engine), AsTheyCome(NotifyHandler(sqlite_engine))):
        async with consuming(js, way, sqlite_engine):
            await until(partial(_set_aside_by, sqlite_engine, way.consumer))
    assert notebook.events() == [f"{case_id}:1"]
    assert heard(sqlite_engine, FUJIAN) == ["submitted"]


def _beyond(logs: Sequence[Mapping[str, Any]]) -> set[str]:
    return {line["consumer"] for line in logs if line["event"] == "event_beyond_the_record"}


def _set_aside_by(engine: Engine, consumer: str) -> bool:
    return any(letter.consumer == consumer for letter in list_dead_letters(engine))
