"""One run: warm up, count events, measure memory, then turns of rounds."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from temporalio.client import Client

from benchmarks.beside import Beside, measure
from benchmarks.contenders import Bare, OpenCase, Opener, Ours, open_cases
from benchmarks.driving import drive, run_round
from benchmarks.figures import BARE, CONTENDERS, ENGINE, OURS, Round, Turn
from benchmarks.plan import Load, Plan
from benchmarks.processes import Server, cpu_seconds, own_cpu_seconds, resident_bytes

SETTLE_SECONDS = 0.5
"""Between rounds, so that what one leaves behind on the server does not slow the next."""


@dataclass(frozen=True)
class Events:
    """The history events of one case: open, and after its six transitions."""

    opened: int
    ended: int


@dataclass(frozen=True)
class Measured:
    """What a run gave.

    Attributes:
        turns: Clients → the turns.
        memory: Contender → bytes of its worker for each open case.
        events: Contender → events of a case.
        beside: Ours with the consumers and without.
    """

    turns: dict[int, list[Turn]]
    memory: dict[str, float]
    events: dict[str, Events]
    beside: Beside


class Bench:
    """The contenders, and the cases of each that wait to be driven."""

    def __init__(
        self,
        client: Client,
        engine: Engine,
        server: Server,
        workers: dict[str, int],
        say: Callable[[str], None],
    ) -> None:
        """Take what runs; `workers`: contender → pid."""
        self._client, self._server, self._workers, self._say = client, server, workers, say
        self._engine, self._ours = engine, Ours(client, engine)
        self._openers: dict[str, Opener] = {
            BARE: Bare(client, BARE).open,
            ENGINE: Bare(client, ENGINE).open,
            OURS: self._ours.open,
        }
        self._waiting: dict[str, list[OpenCase]] = {name: [] for name in CONTENDERS}

    async def run(self, plan: Plan, folder: Path) -> Measured:
        """Do all of it; the consumers write into `folder`."""
        for name in CONTENDERS:
            await self._round(name, Load(plan.warm_up, 1, 1, 0.0))
        self._say("warm")
        events = {name: await self._events(name) for name in CONTENDERS}
        memory = {name: await self._memory(name, plan.open_cases) for name in (BARE, OURS)}
        self._say("cases opened, memory measured")
        return Measured(
            turns={load.clients: await self._turns(load) for load in plan.loads},
            memory=memory,
            events=events,
            beside=await self._beside(plan, folder),
        )

    async def _beside(self, plan: Plan, folder: Path) -> Beside:
        run = partial(self._round, OURS)
        found = await measure(folder, self._engine, self._ours.season, run, plan)
        self._say(f"{len(found.turns)} turns with and without consumers")
        return found

    async def _events(self, name: str) -> Events:
        (case,) = await self._open(name, 1)
        opened = await self._count(case)
        await drive(self._client, case)
        return Events(opened, await self._count(case))

    async def _count(self, case: OpenCase) -> int:
        handle = self._client.get_workflow_handle(case.workflow_id)
        return len([event async for event in handle.fetch_history_events()])

    async def _memory(self, name: str, count: int) -> float:
        """Return how many bytes a worker grows for each case that it keeps."""
        before = resident_bytes(self._workers[name])
        self._waiting[name] += await self._open(name, count)
        return (resident_bytes(self._workers[name]) - before) / count

    async def _turns(self, load: Load) -> list[Turn]:
        turns: list[Turn] = []
        ends = time.monotonic() + load.seconds
        for number in range(load.turns):
            if turns and time.monotonic() > ends:
                break
            # Who goes first changes, so that no one always meets the tidier server.
            first = number % len(CONTENDERS)
            order = CONTENDERS[first:] + CONTENDERS[:first]
            for name in order:
                await self._stock(name, load.cases_a_round)
            turns.append({name: await self._round(name, load) for name in order})
            self._say(_line(load, number, turns[-1]))
        return turns

    async def _round(self, name: str, load: Load) -> Round:
        await self._stock(name, load.cases_a_round)
        cases = [self._waiting[name].pop() for _ in range(load.cases_a_round)]
        await asyncio.sleep(SETTLE_SECONDS)
        return await run_round(self._client, cases, load.clients, lambda: self._cpu(name))

    async def _stock(self, name: str, count: int) -> None:
        lacking = count - len(self._waiting[name])
        self._waiting[name] += await self._open(name, max(0, lacking))

    async def _open(self, name: str, count: int) -> list[OpenCase]:
        return await open_cases(self._client, self._openers[name], count)

    def _cpu(self, name: str) -> dict[str, float]:
        return {
            "worker": cpu_seconds(self._workers[name]),
            "server": cpu_seconds(self._server.pid),
            "clients": own_cpu_seconds(),
        }


def _line(load: Load, number: int, turn: Turn) -> str:
    rounds = ", ".join(
        f"{name} {turn[name].throughput:.1f}/s {turn[name].p50:.1f} ms" for name in CONTENDERS
    )
    return f"{load.clients} clients, turn {number + 1} of {load.turns}: {rounds}"
