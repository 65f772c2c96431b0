"""The way of an event, and what the relay has still to publish, on both databases."""

from datetime import timedelta

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, update

from models import tables
from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import transaction
from services.notifications.channels import set_channel
from services.notifications.inbox import inbox, mark_read
from services.people.users import set_email
from services.stream.backlog import Backlog, StuckEvent, read_backlog
from services.stream.event_views import NotifiedUser
from services.stream.events import show_event
from tests.factories import OPENS, commit, make_case
from tests.streams import incoming, outbox
from workers.notify.handler import NotifyHandler
from workers.stream.relay import Relay

FUJIAN = "2024-fujian"
NOW = OPENS + timedelta(days=1)


async def test_an_event_is_followed_from_the_record_to_those_who_were_told(
    engine: Engine, audit_engine: Engine, season: str, js: JetStreamContext
) -> None:
    del season
    set_email(engine, FUJIAN, "fujian@example.invalid")
    set_channel(engine, FUJIAN, "chat", "json://bot.example.invalid", OPENS)
    set_channel(engine, FUJIAN, "sms", "13800000000", OPENS)
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    before = show_event(engine, audit_engine, f"{case_id}:1")
    assert (before.event, before.published_at, before.told) == ("submitted", None, [])

    await Relay(engine, js).drain()
    body = outbox(engine)[0].body
    NotifyHandler(engine).apply([incoming(body, 1)])
    mark_read(engine, FUJIAN, [inbox(engine, FUJIAN)[0].id], NOW)
    after = show_event(engine, audit_engine, f"{case_id}:1")
    assert (after.stream_seq, after.audit) == (1, None)
    assert after.published_at is not None
    [service] = [told for told in after.told if told.user == FUJIAN]
    assert isinstance(service, NotifiedUser)
    assert (service.role, service.read_at) == ("body", NOW)
    assert [(way.channel, way.status) for way in service.ways] == [
        ("mail", "waiting"), ("chat", "waiting"), ("sms", "waiting"),
    ]  # fmt: skip
    assert len({way.delivery for way in service.ways}) == 3
    others = [told.ways for told in after.told if told.user != FUJIAN]
    assert [each for each in others if each] == []
    assert "example.invalid" not in after.model_dump_json()


@pytest.mark.parametrize("name", ["", "case_x", "case_x:1", "case_x:0", "case_x:-1", "case_x:²"])
def test_an_unknown_event_is_refused(
    engine: Engine, audit_engine: Engine, season: str, name: str
) -> None:
    del season
    with pytest.raises(Refused, match="unknown_event"):
        show_event(engine, audit_engine, name)


async def test_the_backlog_is_what_waits_and_for_how_long(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    del season
    assert read_backlog(engine, NOW) == Backlog(
        waiting=0, oldest_at=None, oldest_seconds=0.0, stuck=[]
    )
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.ACCEPT, answers={})
    found = read_backlog(engine, NOW)
    assert (found.waiting, found.stuck) == (2, [])
    assert found.oldest_at is not None
    assert found.oldest_seconds == (NOW - found.oldest_at).total_seconds() > 0

    rows = tables.outbox
    with transaction(engine) as connection:
        connection.execute(
            update(rows).where(rows.c.seq == 1).values(attempts=2, last_error="too big")
        )
    assert read_backlog(engine, NOW).stuck == [
        StuckEvent(id=f"{case_id}:1", attempts=2, last_error="too big")
    ]
    await Relay(engine, js).drain()
    assert read_backlog(engine, NOW).waiting == 0
