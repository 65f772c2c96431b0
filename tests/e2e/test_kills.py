"""kill -9 of any process in the middle of the work: nothing is lost and nothing doubled.

Many cases are driven at once through several actions, each asked for again and again under
one id until it is answered. Afterwards the four records agree to the byte.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from models.cases.actions.names import Action
from models.store.engine import reading
from models.tables import Outbox, Transition, table_of
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.service import CaseService
from services.clock import new_id
from services.unavailable import Unavailable
from tests.e2e.driving import REMARKS, new_season
from tests.e2e.records import (
    assert_four_records_agree,
    assert_whole_system_agrees,
    recorded,
)
from tests.e2e.stack import Stack
from tests.factories import form, programme
from tests.slack import slack
from tests.waiting import until, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("kills")]

CASES = 20
PROMISED_SECONDS = 5.0
"""From the restart of whatever died to the next transition, or to its announcement."""
STEPPING = ("cases", "temporal")
"""Without these no case moves; without the others no step is announced."""
IN_THE_MIDDLE = 0.3
"""How much of a round is done when its victim dies."""

ANSWERS: dict[str, Any] = {"answers": {point.key: True for point in programme().screening}}
DUE: dict[str, Any] = {"due": "2099-12-31T00:00:00+08:00"}
Round = Sequence[tuple[Action, Mapping[str, Any], str | None]]

ROUNDS: Sequence[Round] = (
    (
        (Action.SUBMIT, {}, None),
        (Action.RETURN_FOR_REVISION, {}, REMARKS),
        (Action.SUBMIT, {}, None),
    ),
    (
        (Action.ACCEPT, ANSWERS, None),
        (Action.SEND_BACK, {}, REMARKS),
        (Action.ACCEPT, ANSWERS, None),
    ),
    (
        (Action.RECOMMEND, {"rank": 1}, None),
        (Action.REQUEST_CORRECTION, DUE, REMARKS),
        (Action.RESUBMIT, {}, None),
    ),
    (
        (Action.REQUEST_CORRECTION, DUE, REMARKS),
        (Action.RESUBMIT, {}, None),
        (Action.WITHDRAW, {"body_consents": True}, None),
    ),
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system that these tests share, as they leave it whole."""
    yield from _running(tmp_path_factory, "few")


@pytest.fixture
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system in which each role has a process of its own."""
    yield from _running(tmp_path_factory, "each")


def _running(tmp_path_factory: pytest.TempPathFactory, processes: str) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("kills") / "stack"
    own = Stack(folder, {"TUIXUAN_PROCESSES": processes})
    try:
        own.up("--empty")
        yield own
    finally:
        own.clean()


@dataclass
class Crowd:
    """Many applicants and offices at work on as many cases."""

    system: Stack
    service: CaseService
    case_ids: list[str]
    done: int = 0

    @classmethod
    async def gather(cls, system: Stack) -> "Crowd":
        """Open a season and file the drafts; some people have mail, others not."""
        season = await asyncio.to_thread(new_season, system)
        for office in ("fujian", "organiser"):
            address = f"{office}@example.invalid"
            await asyncio.to_thread(system.run, "user", "email", f"{season}-{office}", address)
        service = CaseService(system.engine, await system.client(), answer_within=slack(10))
        drafts = (
            NewDraft(
                season,
                form(title=f"（虚构）第 {n} 件", unit=f"虚构单位 {n % 7}"),
                email=f"unit{n}@example.invalid",
            )
            for n in range(CASES)
        )
        return cls(system, service, [await service.create(draft) for draft in drafts])

    async def work(self, steps: Round, middle: asyncio.Event) -> None:
        """Do a round's actions to every case, in order for each; say when it is in full swing."""
        swing = self.done + IN_THE_MIDDLE * len(steps) * CASES

        async def drive(case_id: str) -> None:
            for action, fields, text in steps:
                await self._insist(Request(case_id, action, fields, text=text))
                self.done += 1
                if self.done >= swing:
                    middle.set()

        await asyncio.gather(*map(drive, self.case_ids))

    async def _insist(self, request: Request) -> None:
        """Ask until there is an answer. A refusal would be one, and none that we expect."""

        async def answered() -> bool:
            try:
                await self.service.act(request)
            except Unavailable as away:
                if not away.retry:
                    raise
                return False
            return True

        await until(answered, f"an answer to {request.action}", within=90)

    def left(self, victim: str, wanted: int) -> int:
        """Return how much is still to do of what `victim` drives: steps, or announcements."""
        lines, outbox = table_of(Transition), table_of(Outbox)
        taken = select(func.count()).select_from(lines).where(lines.c.case_id.in_(self.case_ids))
        unsaid = select(func.count()).select_from(outbox).where(outbox.c.published_at.is_(None))
        with reading(self.system.engine) as connection:
            steps = wanted - (connection.scalar(taken) or 0)
            return steps if victim in STEPPING else steps + (connection.scalar(unsaid) or 0)


def kill_and_watch(crowd: Crowd, victim: str, wanted: int) -> tuple[float, float]:
    """Kill; return how long the restart took, and how long after it nothing moved yet."""
    system, old = crowd.system, crowd.system.kill(victim)
    killed = time.monotonic()
    system.wait_restarted(victim, old)
    serves = time.monotonic()
    stood = crowd.left(victim, wanted)
    if stood:
        wait_until(lambda: crowd.left(victim, wanted) < stood, f"{victim} serves, and all moves on")
    return serves - killed, time.monotonic() - serves


async def assert_survived(system: Stack, victims: Sequence[str]) -> None:
    """Kill the victims, one in the middle of each round, and compare everything afterwards."""
    before, together = restarts(system), sharing(system)
    crowd = await Crowd.gather(system)
    rounds = ROUNDS[: len(victims)]
    wanted = 0
    for victim, steps in zip(victims, rounds, strict=True):
        wanted += CASES * len(steps)
        middle = asyncio.Event()
        work = asyncio.create_task(crowd.work(steps, middle))
        await middle.wait()
        restart, next_step = await asyncio.to_thread(kill_and_watch, crowd, victim, wanted)
        print(f"{victim}: restarted after {restart:.1f} s, next step {next_step:.2f} s later")
        assert next_step <= slack(PROMISED_SECONDS)
        await work
    system.wait_until(lambda: system.status()["ready"], what="all serve again")

    assert restarts(system) - before == Counter(
        each for victim in victims for each in together[victim]
    )
    actions = [action for steps in rounds for action, _, _ in steps]
    for case_id in crowd.case_ids:
        _, lines, _ = recorded(system.engine, case_id)
        assert [line["action"] for line in lines] == actions
    assert await assert_four_records_agree(system, crowd.case_ids) == wanted
    await asyncio.to_thread(assert_whole_system_agrees, system)


def sharing(system: Stack) -> dict[str, list[str]]:
    """Return with each process what dies with it: the roles that share it."""
    pids = {each["name"]: each["pid"] for each in system.status()["processes"]}
    return {
        name: [each for each, other in pids.items() if other == pid] for name, pid in pids.items()
    }


def restarts(system: Stack) -> Counter[str]:
    return Counter({each["name"]: each["restarts"] for each in system.status()["processes"]})


@pytest.mark.parametrize("victim", ["cases", "relay", "nats", "temporal"])
async def test_a_process_is_killed_in_the_middle(system: Stack, victim: str) -> None:
    await assert_survived(system, [victim])


async def test_all_are_killed_in_any_order(apart: Stack) -> None:
    assert all(len(each) == 1 for each in sharing(apart).values())
    seed = os.environ.get("KILLS_SEED") or new_id("seed")
    print(f"the order comes from KILLS_SEED={seed}")
    victims = ["cases", "relay", "nats", "temporal"]
    random.Random(seed).shuffle(victims)  # noqa: S311 - an order, and no secret
    await assert_survived(apart, victims)
