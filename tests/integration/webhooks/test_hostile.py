"""Receivers that answer with nonsense, and names that do not resolve, harm themselves alone."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event

from models import tables
from models.store.engine import transaction
from services.webhooks.deliveries import webhook_log
from services.webhooks.queue import WebhookQueue
from tests.integration.webhooks.sending import an_event, done, fan_out_events, sending
from tests.receivers import INSIDE, OK, QUICK, Receiver, subscribe
from tests.slack import slack
from tests.waiting import until
from workers.servers.ports import LOOPBACK
from workers.webhook.guard import Guard, resolve
from workers.webhook.post import Poster


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as found:
        yield found


@pytest.mark.usefixtures("season")
async def test_an_answer_that_no_database_holds_stops_nobody(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.answer = lambda _id, _times: (200, {})
    receiver.says = "\x00 no \x1b[31m text \x07"
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1), an_event("case_1", 2))
    async with sending(engine):
        await until(done(engine, endpoint, 2))
    heads = {item.answer_head for item in webhook_log(engine, endpoint)}
    assert heads == {"no [31m text"}


@pytest.mark.usefixtures("season")
async def test_what_became_of_a_message_that_is_gone_stops_nobody(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.delay = 0.5
    endpoint = subscribe(engine, receiver)
    fan_out_events(engine, an_event("case_1", 1), an_event("case_2", 1))
    deliveries = tables.webhook_delivery
    async with sending(engine):
        await until(lambda: len(receiver.requests) == 2)
        with transaction(engine) as connection:
            connection.execute(delete(deliveries).where(deliveries.c.case_id == "case_1"))
        await until(done(engine, endpoint, 1))


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize(
    "retry_after", ["9" * 5000, "Mon, 20 Nov 99999999999999999999 10:00:00 GMT", "soon", "-1"]
)
async def test_an_absurd_retry_after_does_not_make_a_failure_of_a_success(
    sqlite_engine: Engine, receiver: Receiver, retry_after: str
) -> None:
    receiver.answer = lambda _id, _times: (204, {"Retry-After": retry_after})
    endpoint = subscribe(sqlite_engine, receiver)
    fan_out_events(sqlite_engine, an_event("case_1", 1))
    async with sending(sqlite_engine):
        await until(lambda: bool(receiver.requests))
        await until(done(sqlite_engine, endpoint, 1))
    assert len(receiver.requests) == 1


@pytest.mark.usefixtures("season")
async def test_a_success_in_between_does_not_use_up_the_attempts_of_what_is_refused(
    sqlite_engine: Engine, receiver: Receiver
) -> None:
    """Only an endpoint that was away for a while has its messages sent before their time."""
    refused = {f"case_{n}:1" for n in (1, 2, 3)}
    receiver.answer = lambda said, _times: (422, {}) if said in refused else OK
    endpoint = subscribe(sqlite_engine, receiver)
    patient = replace(QUICK, delays=(timedelta(hours=1),) * 9, worth_hurrying=timedelta(minutes=5))
    fan_out_events(sqlite_engine, *(an_event(f"case_{n}", 1) for n in (1, 2, 3)))
    async with sending(sqlite_engine, patient):
        await until(lambda: len(receiver.requests) == 3)
        for n in (4, 5, 6):
            fan_out_events(sqlite_engine, an_event(f"case_{n}", 1))
            await until(receiver.took(f"case_{n}:1"))  # what waits longer would go before it
    tried = {item.event_id: item.attempts for item in webhook_log(sqlite_engine, endpoint)}
    assert {tried[each] for each in refused} == {1}


@pytest.mark.usefixtures("season")
async def test_after_an_outage_what_waited_goes_before_its_time(
    sqlite_engine: Engine, receiver: Receiver
) -> None:
    endpoint = subscribe(sqlite_engine, receiver)
    await receiver.stop()
    patient = replace(QUICK, delays=(timedelta(hours=1),) * 9, worth_hurrying=timedelta(0))
    fan_out_events(sqlite_engine, *(an_event(f"case_{n}", 1) for n in range(4)))
    async with sending(sqlite_engine, patient):
        await until(lambda: all(item.attempts for item in webhook_log(sqlite_engine, endpoint)))
        await receiver.start()
        fan_out_events(sqlite_engine, an_event("case_4", 1))
        await until(done(sqlite_engine, endpoint, 5))
    assert len(receiver.ids) == len(set(receiver.ids)) == 5


@pytest.mark.usefixtures("season")
async def test_what_is_due_at_one_instant_is_read_in_its_order_without_sorting_all(
    sqlite_engine: Engine, receiver: Receiver
) -> None:
    """After an outage or a pause thousands are due at once: each look must not sort them."""
    endpoint = subscribe(sqlite_engine, receiver)
    asked: list[tuple[str, Any]] = []

    def note(*said: Any) -> None:
        asked.append((said[2], said[3]))

    event.listen(sqlite_engine, "before_cursor_execute", note)
    WebhookQueue(sqlite_engine, QUICK).due(endpoint, 16, set())
    event.remove(sqlite_engine, "before_cursor_execute", note)
    ((query, given),) = (each for each in asked if each[0].startswith("SELECT"))
    with sqlite_engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", given).all()
    steps = [row[-1] for row in plan]
    assert not any("TEMP B-TREE" in step for step in steps), steps
    assert any("webhook_due" in step for step in steps), steps


async def test_a_name_that_nobody_answers_for_holds_up_no_thread_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The database is asked in the loop's own threads: look-ups must not take them all."""
    real, released, asked = socket.getaddrinfo, threading.Event(), threading.Event()

    def slow(host: object, *rest: object, **more: object) -> object:
        if host == "nowhere.example.invalid":
            asked.set()
            released.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")
        return real(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    dead = [asyncio.create_task(resolve("nowhere.example.invalid", 443)) for _ in range(100)]
    try:
        await until(asked.is_set)  # and that another thread could ask so
        assert await asyncio.wait_for(resolve(LOOPBACK, 80), slack(30)) == [LOOPBACK]
    finally:
        released.set()
    outcomes = await asyncio.gather(*dead, return_exceptions=True)
    assert all(isinstance(each, socket.gaierror) for each in outcomes)


@pytest.mark.parametrize(("pause", "error"), [(0.0, None), (0.1, "TimeoutError")])
async def test_an_answer_without_end_is_read_for_a_while_and_no_longer(
    pause: float, error: str | None
) -> None:
    """A flood is cut off and counts by its status; one that drips has no more than its time."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x" if pause else b"x" * 4096)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    async with aclosing(Poster(INSIDE.model_copy(update={"timeout": 2.0}))) as poster:
        found = await poster.post(f"http://{LOOPBACK}:{port}/", "e:1", "{}", [])
    assert (found.error or "").partition(":")[0] == (error or "")
    assert len(found.head or "") <= 200
    server.close()
    server.close_clients()  # type: ignore[attr-defined] # since Python 3.13
    await server.wait_closed()


async def test_an_address_that_does_not_answer_leaves_the_next_one(receiver: Receiver) -> None:
    async def two(_host: str, _port: int) -> list[str]:
        return ["127.0.0.9", LOOPBACK]

    guard = Guard([ip_network("127.0.0.0/8")], (443,), resolve=two)
    stream = await guard.connect_tcp("receiver.example.invalid", receiver.port, timeout=slack(5))
    await stream.aclose()


async def test_the_scheme_may_be_written_in_capitals() -> None:
    """What is TLS has to be known as TLS: else it is refused for want of it."""

    async def public(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    async with aclosing(Poster(INSIDE, public)) as poster:
        answer = await poster.post("HTTPS://h.example.invalid:22/", "e:1", "{}", [])
    assert "port 22 is not allowed" in str(answer.error)
