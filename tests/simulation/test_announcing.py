"""However the world fails: every request once on record, in the stream and in the audit."""

import asyncio
import contextlib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from models.cases.actions.names import Action
from models.cases.messages import CommitTransitionInput, Standing
from models.cases.states import State
from models.store.engine import open_engine
from services.audit.verification import verify
from tests.factories import OPENS, make_case, standing, wanted
from tests.simulation.world import (
    FakeStream,
    Faults,
    Killed,
    MortalHandler,
    MortalRelay,
    break_engine,
    consumer,
)
from tests.streams import outbox
from workers.stream.publishing import StreamUnavailable
from workers.stream.relay import RelayPace

CASES, STEPS, SEEDS = 4, 120, 12


class Workflow:
    """A case's process: it decides on what it knows, adopts what stands, and is reset at times."""

    def __init__(self, engine: Engine, case_id: str) -> None:
        self._engine, self._case_id = engine, case_id
        self.known: list[Standing] = [standing(engine, case_id)]
        self.asked = 0
        self.open: CommitTransitionInput | None = None

    def request(self, door: Any, *, lost: bool = False) -> None:
        """Ask for the next thing, or go on asking for the one that had no answer.

        `lost`: the answer never arrives, though what was asked is done.
        """
        now = self.known[-1]
        if self.open is None:
            update_id = f"{self._case_id}-{self.asked}"
            self.open = wanted(
                self._engine, self._case_id, Action.MOVE_DEADLINE, update_id=update_id
            )
            self.asked += 1
        self.open = self.open.model_copy(update={"seq": now.seq + 1, "at": OPENS})
        result = door.commit(self.open)
        if lost:
            return
        for row in result.rows:
            self.known.append(now.model_copy(update={"seq": row.seq}))
        if result.answered:
            self.open = None

    def reset(self, chance: Random) -> None:
        """An operator resets it to an earlier point, or its worker died before its task."""
        self.known = self.known[: chance.randint(1, len(self.known))]

    def restart(self) -> None:
        """Its server lost everything: it is started anew from the record."""
        self.known = [standing(self._engine, self._case_id)]


class World:
    """One run."""

    def __init__(self, engine: Engine, audit: Engine, anchors: Path, seed: int) -> None:
        from services.cases.commit import Commits
        from services.seasons.cache import SeasonCache

        self.chance = Random(seed)  # noqa: S311 - a simulation
        self.faults = Faults(self.chance, rate=0)
        self.engine, self.audit, self.anchors = engine, audit, anchors
        self.stream, self.stop = FakeStream(self.faults), asyncio.Event()
        self.flows = [
            Workflow(engine, make_case(engine, state=State.PROVINCE_REVIEW)) for _ in range(CASES)
        ]
        self.door, self.gap = Commits(engine, SeasonCache()), self.chance.choice([0.0, 60.0])
        break_engine(engine, self.faults)
        break_engine(audit, self.faults)
        self.start_relay()
        self.start_consumer()

    def start_relay(self) -> None:
        stream: Any = self.stream
        pace = RelayPace(batch=self.chance.randint(1, 9), at_once=2, retry_stopped=0)
        self.relay = MortalRelay(self.engine, stream, "relay", pace)
        self.relay.faults = self.faults

    def start_consumer(self) -> None:
        handler = MortalHandler(self.audit, self.anchors)
        handler.faults = self.faults
        with contextlib.suppress(OperationalError):
            handler.take_up()
        self.consumer = consumer(self.stream, handler, self.engine, self.stop, self.gap)

    async def step(self) -> None:
        match self.chance.choice(["commit", "commit", "commit", "relay", "deliver", "trouble"]):
            case "commit":
                with contextlib.suppress(OperationalError):
                    self.chance.choice(self.flows).request(self.door, lost=self.faults.strike())
            case "relay":
                await self.drain()
            case "deliver":
                await self.deliver(5)
            case _:
                self.chance.choice(self.flows).reset(self.chance)
                with contextlib.suppress(OperationalError):
                    self.chance.choice(self.flows).restart()
                if self.chance.random() < 0.3:
                    self.stream.ids.clear()

    async def drain(self) -> int:
        try:
            return await self.relay.drain()
        except Killed:
            self.start_relay()
        except (StreamUnavailable, OperationalError):
            pass
        return -1

    async def deliver(self, most: int) -> None:
        messages: Any = list(self.stream.deliver(most))
        while messages:
            fetched = self.chance.randint(1, len(messages))
            try:
                await self.consumer.take(messages[:fetched])
            except Killed:
                self.start_consumer()
            messages = messages[fetched:]

    async def heal(self) -> None:
        """From here on nothing fails any more, and all that is owed is done."""
        self.faults.rate = 0
        for flow in self.flows:
            while flow.open is not None:
                flow.request(self.door)
        while await self.drain():
            pass
        while self.stream.unacknowledged:
            await self.deliver(99)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_request_is_once_in_each_of_the_three(
    sqlite_urls: tuple[str, str], season: str, tmp_path: Path, seed: int
) -> None:
    del season
    engine, audit = (open_engine(url) for url in sqlite_urls)
    world = World(engine, audit, tmp_path / "anchors", seed)
    world.faults.rate = 0.15
    with capture_logs():
        for _ in range(STEPS):
            await world.step()
    await world.heal()

    rows = outbox(engine)
    asked = sum(flow.asked for flow in world.flows)
    assert len(rows) == CASES + asked
    assert sorted(world.stream.log) == sorted((row.subject, row.body.encode()) for row in rows)
    for case_id in {row.case_id for row in rows}:
        places = [(row.seq, row.place or 0) for row in rows if row.case_id == case_id]
        assert places == sorted(places)
        assert [seq for seq, _ in places] == list(range(1, len(places) + 1))
        assert [place for _, place in places] == sorted(place for _, place in places)
    report = verify(engine, audit, world.anchors, patience_seconds=0)
    assert (report.problems, report.records) == ([], len(rows))
    engine.dispose()
    audit.dispose()
