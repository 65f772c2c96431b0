"""What happened last night: one time line, page by page, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, update

from models import tables
from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import transaction
from services.clock import new_id
from services.people.users import set_email
from services.stream.timeline import Happened, Span, read_timeline
from services.stream.timeline_sources import Kind
from tests.factories import OPENS, commit, make_case
from tests.streams import incoming, outbox
from workers.notify.handler import NotifyHandler

FUJIAN = "2024-fujian"
FROM, TO = OPENS - timedelta(days=1), OPENS + timedelta(days=900)
NIGHT = OPENS + timedelta(days=600)


def happened(engine: Engine, **wanted: Any) -> Happened:
    return read_timeline(engine, Span(FROM, TO, **wanted))


@pytest.fixture
def case_id(engine: Engine, season: str) -> str:
    """A submitted case, of which a mail left, a webhook failed and was accepted, and more."""
    set_email(engine, FUJIAN, "fujian@example.invalid")
    case = make_case(engine, state=State.PROVINCE_REVIEW)
    body = outbox(engine)[0].body
    NotifyHandler(engine).apply([incoming(body, 1)])
    endpoint, sent = new_id("ep"), new_id("whd")
    answers: dict[int, dict[str, Any]] = {
        2: {"status_code": 503, "error": "busy"},
        10: {"status_code": 200},
    }
    rows: list[tuple[Any, dict[str, Any]]] = [
        (tables.webhook_endpoint, {
            "id": endpoint, "season_id": season, "owner_role": "organiser", "url": "https://x",
            "description": "", "events": [], "created_at": NIGHT, "status": "active",
        }),
        (tables.webhook_delivery, {
            "id": sent, "endpoint_id": endpoint, "event_id": f"{case}:1", "event": "submitted",
            "case_id": case, "seq": 1, "replay": 0, "body": "{}", "attempts": 2,
            "status": "delivered", "next_attempt_at": NIGHT, "created_at": NIGHT,
        }),
        *((tables.webhook_attempt, {
            "delivery_id": sent, "n": n, "at": NIGHT, "latency_ms": 3, **answer,
        }) for n, answer in answers.items()),
        (tables.season_change, {
            "id": "move_1", "season_id": season, "milestone": "cutoff", "after": TO, "reason": "x",
            "actor": "organiser:zhang", "at": NIGHT,
        }),
        (tables.dead_letter, {
            "id": "dl_1", "consumer": "notify", "stream_seq": 1, "event_id": f"{case}:1",
            "case_id": case, "subject": "s", "reason": "broken", "deliveries": 8,
            "first_at": NIGHT, "at": NIGHT, "status": "open",
        }),
        (tables.reconcile_run, {
            "id": "run_1", "started_at": NIGHT + timedelta(hours=3), "cases": 2, "differences": 1,
            "unrepaired": 0, "finished_at": NIGHT + timedelta(hours=4),
        }),
    ]  # fmt: skip
    with transaction(engine) as connection:
        for table, row in rows:
            connection.execute(insert(table), row)
        deliveries = tables.delivery
        connection.execute(update(deliveries).values(status="sent", sent_at=NIGHT))
    return case


def test_everything_stands_in_one_line_the_newest_last(engine: Engine, case_id: str) -> None:
    found = happened(engine).items
    assert [each.kind for each in found] == [
        "transition", "season", "delivery", "webhook", "webhook", "dead_letter", "reconcile",
    ]  # fmt: skip
    assert [each.at for each in found] == sorted(each.at for each in found)
    step, moved, mail, busy, taken, letter, run = found
    assert (step.what, step.to) == ("submit", "province_review")
    assert str(step.who).startswith("applicant:")
    assert (step.case_id, step.event_id) == (case_id, f"{case_id}:1")
    assert (moved.what, moved.who, moved.note) == ("cutoff", "organiser:zhang", "2024")
    assert (mail.what, mail.status, mail.who, mail.at) == ("mail", "sent", FUJIAN, NIGHT)
    assert (busy.note, taken.note) == ("HTTP 503 busy", "HTTP 200")
    assert (letter.who, letter.status, letter.note) == ("notify", "open", "broken")
    assert run.note == "案例 2，不一致 1，未修复 0"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_line_once_whatever_happens_at_one_instant(
    engine: Engine, case_id: str, limit: int
) -> None:
    del case_id
    whole, found, cursor = happened(engine).items, [], None
    while True:
        page = happened(engine, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == whole


def test_a_case_a_kind_and_a_span_narrow_it(engine: Engine, case_id: str) -> None:
    other = make_case(engine, state=State.PROVINCE_REVIEW)
    mine = happened(engine, case_id=case_id).items
    assert {each.case_id for each in mine} == {case_id}
    assert [each.kind for each in mine].count(Kind.TRANSITION) == 1
    assert [each.case_id for each in happened(engine, case_id=other).items] == [other]
    assert {each.kind for each in happened(engine, kinds=["webhook"]).items} == {"webhook"}
    assert read_timeline(engine, Span(NIGHT, NIGHT)).items == []
    at_night = read_timeline(engine, Span(NIGHT, NIGHT + timedelta(hours=1))).items
    assert len(at_night) == 5


def test_what_the_clock_announces_is_a_reminder(engine: Engine, case_id: str) -> None:
    with transaction(engine) as connection:
        deadline: datetime | None = connection.scalar(
            select(tables.case_record.c.deadline).where(tables.case_record.c.id == case_id)
        )
    commit(engine, case_id, Action.REMIND, deadline=deadline, offset=3)
    [reminder] = happened(engine, kinds=["reminder"]).items
    assert (reminder.what, reminder.event_id) == ("remind", f"{case_id}:2")
    assert "remind" not in [each.what for each in happened(engine, kinds=["transition"]).items]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "2024-05-12T00:00:00+00:00~nothing/x", "2024-05-12T00:00:00+00:00~webhook/x:y"],
)
def test_a_cursor_that_no_page_gave_is_refused(engine: Engine, season: str, cursor: str) -> None:
    del season
    with pytest.raises(Refused, match="bad_cursor"):
        happened(engine, cursor=cursor)


def test_what_is_not_on_record_is_said(engine: Engine, season: str) -> None:
    del season
    with pytest.raises(Refused, match="unknown_kind") as refused:
        happened(engine, kinds=["refusal"])
    assert "被拒绝的操作不留记录" in refused.value.message


@pytest.mark.parametrize("kind", [Kind.TRANSITION, Kind.REMINDER, Kind.WEBHOOK])
def test_a_night_is_read_without_all_that_ever_happened(sqlite_engine: Engine, kind: Kind) -> None:
    """What grows with each transition is found by an index over its time."""
    asked: list[tuple[str, Any]] = []
    listened = ("before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    event.listen(sqlite_engine, *listened)
    read_timeline(sqlite_engine, Span(NIGHT, NIGHT + timedelta(hours=8), kinds=[kind]))
    event.remove(sqlite_engine, *listened)
    ((query, given),) = (each for each in asked if each[0].startswith("SELECT"))
    with sqlite_engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", given).all()
    steps = [row[-1] for row in plan]
    assert any("_at (at>? AND at<?)" in step for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps
