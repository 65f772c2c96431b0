"""What the consumers cost the transitions that they announce, and how soon a receiver hears."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.consumers import Consumers, Receiver, consumers, forget_backlog, receiver, state_of
from benchmarks.figures import Round, Turn
from benchmarks.plan import Load, Plan
from models.cases.actors import Actor, Role
from models.store.engine import SECRETS
from services.clock import now
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from services.webhooks.secret_box import SecretBox

WITH, WITHOUT = "with consumers", "without"
ALONE = Load(1, 1, 1, 0.0)

type RunRound = Callable[[Load], Awaitable[Round]]
"""Drives new cases of ours through their steps."""


@dataclass(frozen=True)
class Beside:
    """What was measured.

    Attributes:
        turns: A round with, and one without, right after each other.
        seconds: From each event's own time until the receiver had verified it, on a system
            that does nothing else.
        again: How many messages the receiver got more than once.
    """

    turns: list[Turn]
    seconds: tuple[float, ...]
    again: int


async def measure(
    folder: Path, engine: Engine, season: str, run_round: RunRound, plan: Plan
) -> Beside:  # fmt: skip
    """Run the consumers on the record of this run, and take turns.

    Args:
        folder: For what they write.
        engine: The record.
        season: The season of the cases.
        run_round: Drives cases.
        plan: How many.
    """
    await asyncio.to_thread(forget_backlog, engine)
    with receiver() as listening:
        key = state_of(folder).secrets_key
        await asyncio.to_thread(_subscribe, engine, key, season, listening)
        async with consumers(folder, engine) as running:
            await run_round(ALONE)  # warm
            await running.caught_up()
            turns = [
                await _turn(running, run_round, plan.beside, n) for n in range(plan.beside.turns)
            ]
            before = set(listening.seconds)
            for _ in range(plan.alone):
                await run_round(ALONE)
            await running.caught_up()
    seconds = [took for event, took in listening.seconds.items() if event not in before]
    return Beside(turns, tuple(seconds), listening.again)


async def _turn(running: Consumers, run_round: RunRound, load: Load, number: int) -> Turn:
    rounds: dict[str, Round] = {}
    for name in (WITH, WITHOUT) if number % 2 else (WITHOUT, WITH):
        if name is WITHOUT:
            running.stop()
            rounds[name] = await run_round(load)
            await running.go_on()
        else:
            rounds[name] = await run_round(load)
            await running.caught_up()
    return rounds


def _subscribe(engine: Engine, key: Path, season: str, listening: Receiver) -> None:
    """Make the receiver an endpoint of the organiser, who hears of every case."""
    organiser = Actor(role=Role.ORGANISER, id="organiser")
    sealing = engine.execution_options(**{SECRETS: SecretBox(key)})
    added = add_endpoint(sealing, NewEndpoint(season, organiser, listening.url), now())
    listening.secret = added.secret
