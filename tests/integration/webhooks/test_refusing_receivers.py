"""Receivers that refuse: tried again, left alone, set aside, disabled."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from models import tables
from models.cases.actors import Actor, Role
from models.store.engine import transaction
from services.clock import now
from services.notifications.inbox import inbox
from services.webhooks.deliveries import webhook_log
from services.webhooks.endpoints import show_endpoint
from services.webhooks.pausing import pause, resume
from tests.factories import SEASON
from tests.integration.webhooks.sending import (
    an_event,
    done,
    fan_out_events,
    sending,
    statuses,
)
from tests.receivers import OK, Receiver, subscribe
from tests.waiting import until


@pytest.mark.usefixtures("season")
async def test_after_ten_attempts_a_message_is_set_aside_and_the_next_goes(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.answer = lambda event, _times: (500, {}) if event.endswith(":1") else OK
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1), an_event("case_1", 2))
    async with sending(engine):
        await until(lambda: sorted(statuses(engine, endpoint)) == ["delivered", "failed"])
    (failed,) = webhook_log(engine, endpoint, status="failed")
    assert (failed.attempts, failed.error) == (10, "answered 500")
    assert receiver.ids == ["case_1:2"]


@pytest.mark.usefixtures("season")
async def test_retry_after_is_honoured(engine: Engine, receiver: Receiver) -> None:
    receiver.answer = lambda _id, times: (429, {"Retry-After": "1"}) if times == 1 else OK
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(done(engine, endpoint, 1))
    stamps = [int(headers["webhook-timestamp"]) for headers, _ in receiver.requests]
    assert stamps[1] - stamps[0] >= 1


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("status", [429, 503])
async def test_an_endpoint_that_asks_to_be_left_alone_gets_nothing_of_other_cases(
    engine: Engine, receiver: Receiver, status: int
) -> None:
    receiver.answer = lambda event, times: (
        (status, {"Retry-After": "3600"}) if (event, times) == ("case_1:1", 1) else OK
    )
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(lambda: show_endpoint(engine, endpoint).not_before is not None)
        fan_out_events(engine, *(an_event(f"case_{n}", 1) for n in (2, 3)))
        async with Receiver() as other:
            subscribe(engine, other)
            fan_out_events(engine, an_event("case_4", 1))
            await until(lambda: other.ids == ["case_4:1"])  # nobody else waits for it
        assert len(receiver.requests) == 1
        resume(engine, endpoint, now())
        await until(done(engine, endpoint, 4))
    assert sorted(receiver.ids) == [f"case_{n}:1" for n in (1, 2, 3, 4)]


@pytest.mark.usefixtures("season")
async def test_a_retry_after_with_another_answer_is_of_that_message_alone(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.answer = lambda event, _times: (
        (422, {"Retry-After": "3600"}) if event == "case_1:1" else OK
    )
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(lambda: len(receiver.requests) == 1)
        fan_out_events(engine, an_event("case_2", 1))
        await until(lambda: receiver.ids == ["case_2:1"])
    assert show_endpoint(engine, endpoint).not_before is None


@pytest.mark.usefixtures("season")
async def test_a_redirect_is_a_failure_and_is_not_followed(
    engine: Engine, receiver: Receiver
) -> None:
    async with Receiver() as elsewhere:
        receiver.answer = lambda _id, _times: (307, {"Location": elsewhere.url})
        endpoint = subscribe(engine, receiver)
        fan_out_events(engine, an_event("case_1", 1))
        async with sending(engine):
            await until(lambda: statuses(engine, endpoint) == ["failed"])
        assert elsewhere.requests == []


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("how", ["gone", "days"])
async def test_an_endpoint_is_disabled_and_its_owner_is_told(
    engine: Engine, receiver: Receiver, how: str
) -> None:
    receiver.answer = lambda _id, _times: (410 if how == "gone" else 500, {})
    endpoint = subscribe(engine, receiver, Actor(role=Role.BODY, id="fujian"))
    if how == "days":
        with transaction(engine) as connection:
            since = now() - timedelta(days=5, seconds=1)
            connection.execute(update(tables.webhook_endpoint).values(failing_since=since))
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine):
        await until(lambda: show_endpoint(engine, endpoint).status == "disabled")
    (message,) = inbox(engine, f"{SEASON}-fujian")
    assert (message.event, message.case_id) == ("webhook_disabled", None)
    assert endpoint in message.text
    # What is put up meanwhile is not for it; what waited goes out once it is back.
    fan_out_events(engine, an_event("case_1", 2))
    assert statuses(engine, endpoint) == ["waiting"]
    receiver.answer = lambda _id, _times: OK
    resume(engine, endpoint, now())
    async with sending(engine):
        await until(done(engine, endpoint, 1))


@pytest.mark.usefixtures("season")
async def test_a_paused_endpoint_loses_nothing(engine: Engine, receiver: Receiver) -> None:
    endpoint = subscribe(engine, receiver)
    pause(engine, endpoint)
    fan_out_events(engine, an_event("case_1", 1))
    async with sending(engine), Receiver() as other:
        subscribe(engine, other)
        for n in (2, 3):  # whatever may go out has gone before these
            fan_out_events(engine, an_event(f"case_{n}", 1))
            await until(other.took(f"case_{n}:1"))
        assert receiver.requests == []
        resume(engine, endpoint, now())
        await until(done(engine, endpoint, 3))
