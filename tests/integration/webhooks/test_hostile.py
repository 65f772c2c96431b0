"""Receivers that answer with nonsense, and names that do not resolve, harm themselves alone."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
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
from services.webhooks.queue import Room, WebhookQueue
from tests.integration.webhooks.sending import an_event, done, fan_out_events, sending
from tests.receivers import INSIDE, OK, QUICK, Receiver, subscribe
from tests.slack import slack
from tests.waiting import until
from workers.outward.guard import Bounds, Guard, resolve
from workers.servers.ports import LOOPBACK
from workers.webhook.post import Poster


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
    subscribe(sqlite_engine, receiver)
    fan_out_events(sqlite_engine, an_event("case_1", 1))
    asked: list[tuple[str, Any]] = []

    def note(*said: Any) -> None:
        asked.append((said[2], said[3]))

    event.listen(sqlite_engine, "before_cursor_execute", note)
    WebhookQueue(sqlite_engine, QUICK).due(lambda _: Room(16, {"whd_1", "whd_2"}))
    event.remove(sqlite_engine, "before_cursor_execute", note)
    endpoints, messages, secrets = (each for each in asked if each[0].startswith("SELECT"))
    assert "webhook_secret" in secrets[0]
    assert "LIMIT" not in endpoints[0]
    query, given = messages
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


ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "then", "pause", "status", "accepted", "head"),
    [
        # two bytes, and the connection stays open
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok", b"", 0.0, 200, True, "ok… [not"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.1, 200, True, "x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", 0.0, 204, True, ""),
        (ENDLESS, b"1\r\nx\r\n", 0.1, 200, True, "x"),
        (ENDLESS + b"not a length\r\n", b"", 0.0, 200, True, "… [not read to its end: "),
        (b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nlater", b"", 0.0, 503, False, "later… [not"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096, 0.0, 200, True, "x" * 200),  # a flood
        (b"HTTP/1.1 200 OK\r\nServer: half a", b"", 0.0, None, False, ""),
        (b"HTTP/1.1 2", b"", 0.0, None, False, ""),
    ],
)
async def test_status_and_headers_decide_whatever_becomes_of_the_rest(
    said: bytes, then: bytes, pause: float, status: int | None, accepted: bool, head: str
) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(pause if then else 0.1)
        writer.close()

    patience = INSIDE.model_copy(update={} if status else {"timeout": 2.0})
    async with serving(answer) as url, aclosing(Poster(patience)) as poster:
        began = time.monotonic()
        found = await asyncio.wait_for(poster.post(url, "e:1", "{}", []), slack(60))
        took = time.monotonic() - began
    assert (found.status, found.accepted) == (status, accepted)
    assert (found.head or "").startswith(head)
    assert len(found.head or "") <= 200
    assert status is None or took < slack(10)


async def test_a_connection_that_breaks_after_the_headers_is_an_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\nok")
        writer.close()

    async with serving(answer) as url, aclosing(Poster(INSIDE)) as poster:
        found = await poster.post(url, "e:1", "{}", [])
    assert (found.status, found.accepted) == (201, True)
    assert "not read to its end" in str(found.head)


@contextlib.asynccontextmanager
async def serving(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Answer each connection in one way; yield the address."""
    server = await asyncio.start_server(answer, LOOPBACK, 0)
    yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/"
    server.close()
    server.close_clients()  # type: ignore[attr-defined] # since Python 3.13
    await server.wait_closed()


async def test_an_address_that_does_not_answer_leaves_the_next_one(receiver: Receiver) -> None:
    async def two(_host: str, _port: int) -> list[str]:
        return ["127.0.0.9", LOOPBACK]

    guard = Guard(Bounds([ip_network("127.0.0.0/8")], (443,)), two)
    stream = await guard.connect_tcp("receiver.example.invalid", receiver.port, timeout=slack(5))
    await stream.aclose()


async def test_many_addresses_leave_few_connections_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint whose address changes each day must not hold a connection for each of them."""
    monkeypatch.setattr("workers.webhook.post.POOLS", 3)
    open_now: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n{}"):
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        open_now.discard(writer)
        writer.close()

    async with serving(answer) as url, aclosing(Poster(INSIDE)) as poster:
        found = [await poster.post(f"{url}{n}", "e:1", "{}", []) for n in range(10)]
        await until(lambda: len(open_now) <= 3)
        assert [each.status for each in found] == [204] * 10
        assert (await poster.post(f"{url}9", "e:2", "{}", [])).accepted
        assert len(open_now) <= 3


async def test_the_scheme_may_be_written_in_capitals() -> None:
    """What is TLS has to be known as TLS: else it is refused for want of it."""

    async def public(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    async with aclosing(Poster(INSIDE, public)) as poster:
        answer = await poster.post("HTTPS://h.example.invalid:22/", "e:1", "{}", [])
    assert "port 22 is not allowed" in str(answer.error)
