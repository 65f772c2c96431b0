"""A dead letter is settled once, by one person, and opened again only by a later failure."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cli.commands.dead_letter.consumers import consumers
from cli.connections import stream
from cli.main import run
from models.cases.states import State
from models.refusals import Refused
from models.stream.dead_letters import DeadLetterStatus
from services.clock import now
from services.stream import dead_letters
from services.stream.dead_letter_retry import retry
from services.stream.dead_letters import (
    NewDeadLetter,
    add_dead_letter,
    discard,
    list_dead_letters,
)
from services.webhooks.deliveries import webhook_log
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.factories import make_case
from tests.ports import HeldPort
from tests.receivers import ORGANISER
from tests.streams import outbox
from workers.servers.ports import LOOPBACK


def test_one_that_fails_again_after_it_was_retried_is_open_again(sqlite_engine: Engine) -> None:
    at = now()
    first = NewDeadLetter("notify", "tuixuan.v1.case.submitted.case_x.1", 1, "why", 8, at)
    add_dead_letter(sqlite_engine, first)
    add_dead_letter(sqlite_engine, first)
    [letter] = list_dead_letters(sqlite_engine)

    async def well() -> None:
        work = {"notify": lambda _subject, _data, _place: None}
        await retry(sqlite_engine, letter.id, work, None, "me")

    with pytest.raises(Refused, match="event_gone"):
        asyncio.run(well())
    mark_retried(sqlite_engine, letter.id)
    add_dead_letter(sqlite_engine, first)
    assert list_dead_letters(sqlite_engine) == []
    later = replace(first, at=now() + timedelta(seconds=1), stream_seq=7)
    add_dead_letter(sqlite_engine, later)
    [again] = list_dead_letters(sqlite_engine)
    assert (again.id, again.first_at, again.stream_seq) == (letter.id, at, 7)
    discard(sqlite_engine, letter.id, "me", "enough")
    add_dead_letter(sqlite_engine, replace(later, at=now() + timedelta(seconds=9)))
    assert list_dead_letters(sqlite_engine) == []


def test_a_later_letter_first_takes_the_earlier_event_of_its_case_with_it(
    sqlite_engine: Engine, season: str
) -> None:
    """Webhooks go in the order of a case: what the cursor passed by would never be sent."""
    endpoint = add_endpoint(
        sqlite_engine, NewEndpoint(season, ORGANISER, "https://example.invalid/"), now()
    )
    case_id = make_case(sqlite_engine, season=season, state=State.RECOMMENDATION)
    given = {row.seq: row for row in outbox(sqlite_engine) if row.case_id == case_id}
    for seq, row in given.items():
        add_dead_letter(sqlite_engine, NewDeadLetter("webhook", row.subject, seq, "why", 8, now()))
    work = consumers(sqlite_engine)
    for letter in sorted(list_dead_letters(sqlite_engine), key=lambda each: -each.stream_seq):
        asyncio.run(retry(sqlite_engine, letter.id, work, None, "me"))
    sent = sorted(item.event_id for item in webhook_log(sqlite_engine, endpoint.id))
    assert sent == [f"{case_id}:{seq}" for seq in sorted(given)]
    assert len(sent) > 1


def test_of_two_who_settle_a_letter_at_once_one_is_refused(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dead_letter(
        sqlite_engine,
        NewDeadLetter("notify", "tuixuan.v1.case.submitted.case_1.1", 1, "why", 8, now()),
    )
    [letter] = list_dead_letters(sqlite_engine)
    discard(sqlite_engine, letter.id, "first", "why")
    monkeypatch.setattr(dead_letters, "read_open_dead_letter", lambda *_: letter)
    with pytest.raises(Refused, match="dead_letter_settled"):
        discard(sqlite_engine, letter.id, "second", "why")
    [settled] = list_dead_letters(sqlite_engine, None)
    assert settled.resolved_by == "first"


def mark_retried(engine: Engine, letter_id: str) -> None:
    dead_letters.settle(engine, letter_id, DeadLetterStatus.RETRIED, "me")


@pytest.mark.parametrize("name", ["0", "-1", "x"])
def test_an_unknown_letter_is_refused(sqlite_engine: Engine, name: str) -> None:
    with pytest.raises(Refused, match="unknown_dead_letter"):
        discard(sqlite_engine, name, "me", "why")


def test_letters_are_listed_while_the_stream_is_away(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sqlite_engine: Engine,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.5)
    closed = HeldPort()
    monkeypatch.setenv("NATS_URL", f"nats://{LOOPBACK}:{closed.number}")
    add_dead_letter(
        sqlite_engine, NewDeadLetter("notify", "tuixuan.v1.case.x.case_x.1", 1, "why", 8, now())
    )
    code = run(["dead-letter", "list", "--output", "json", "--state-dir", str(tmp_path)])
    said = capsys.readouterr()
    [item] = json.loads(said.out)["items"]
    assert (code, item["why"]) == (0, "why")
    assert "NATS" in said.err
