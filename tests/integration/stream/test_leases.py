"""Only the holder of the lease publishes, and a lease does not outlive its holder."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.cases.states import State
from services import clock
from services.clock import SharedClock
from services.stream.leases import release_lease, take_lease
from tests.factories import make_case
from tests.integration.stream.relaying import QUICK, assert_announced, relaying
from tests.streams import messages, waiting
from tests.waiting import until
from workers.stream.relay import LEASE, Relay, RelayPace


async def test_only_one_relay_is_active(engine: Engine, season: str, js: JetStreamContext) -> None:
    first, second = (Relay(engine, js, holder, QUICK) for holder in ("one", "two"))
    async with relaying(first):
        make_case(engine, season=season, state=State.PROVINCE_REVIEW)
        await until(lambda: waiting(engine) == 0)
        assert not take_lease(engine, LEASE, "two", datetime.now(UTC), QUICK.lease)
        async with relaying(second):
            make_case(engine, season=season, state=State.PROVINCE_REVIEW)
            await until(lambda: waiting(engine) == 0)
    assert take_lease(engine, LEASE, "two", datetime.now(UTC), QUICK.lease)  # given up at the end
    await assert_announced(engine, js)


async def test_two_active_relays_only_make_duplicates(
    engine: Engine, season: str, js: JetStreamContext
) -> None:
    for _ in range(5):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    relays = [Relay(engine, js, holder, RelayPace(batch=4)) for holder in ("one", "two")]
    while waiting(engine):
        await asyncio.gather(*(relay.drain() for relay in relays))
    assert len(await messages(js)) == 15
    await assert_announced(engine, js)


def test_a_lease_falls_free_when_it_expires(engine: Engine) -> None:
    now = datetime.now(UTC)
    assert take_lease(engine, "a", "one", now, 5)
    assert not take_lease(engine, "a", "two", now + timedelta(seconds=4), 5)
    assert take_lease(engine, "a", "one", now + timedelta(seconds=4), 5)
    assert not take_lease(engine, "a", "two", now + timedelta(seconds=8), 5)
    assert take_lease(engine, "a", "two", now + timedelta(seconds=9), 5)
    release_lease(engine, "a", "one")
    assert not take_lease(engine, "a", "three", now + timedelta(seconds=10), 5)
    release_lease(engine, "a", "two")
    assert take_lease(engine, "a", "three", now + timedelta(seconds=10), 5)


def test_the_lease_of_a_process_that_died_here_is_free_at_once(engine: Engine) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    now, host = datetime.now(UTC), os.uname().nodename
    assert take_lease(engine, "a", f"{host}:{process.pid}", now, 5)
    assert take_lease(engine, "a", f"{host}:{os.getpid()}", now, 5)
    assert not take_lease(engine, "a", "elsewhere:1", now, 5)


@pytest.mark.parametrize("ahead", [timedelta(days=10), timedelta(seconds=11)])
def test_a_lease_that_a_wrong_clock_wrote_holds_nobody_up(engine: Engine, ahead: timedelta) -> None:
    now = datetime.now(UTC)
    assert take_lease(engine, "a", "one", now + ahead, 5)
    assert take_lease(engine, "a", "two", now, 5)
    assert not take_lease(engine, "a", "three", now, 5)


def test_a_lease_of_a_clock_that_is_a_little_ahead_holds(engine: Engine) -> None:
    now = datetime.now(UTC)
    assert take_lease(engine, "a", "one", now + timedelta(seconds=4), 5)
    assert not take_lease(engine, "a", "two", now, 5)


@pytest.mark.parametrize("wrong", [timedelta(days=10), -timedelta(days=10)])
def test_hosts_agree_on_the_clock_of_the_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    right = datetime.now(UTC)
    ours = SharedClock(engine)
    assert abs(ours() - right) < timedelta(minutes=1)

    def wrong_now() -> datetime:
        return datetime.now(UTC) + wrong

    monkeypatch.setattr(clock, "now", wrong_now)
    # What was asked before goes on, although the clock of the host has jumped since.
    assert abs(ours() - right) < timedelta(minutes=1)
    if engine.dialect.name == "postgresql":
        assert abs(SharedClock(engine)() - right) < timedelta(minutes=1)
    else:  # there is no other
        assert abs(SharedClock(engine)() - wrong_now()) < timedelta(minutes=1)
