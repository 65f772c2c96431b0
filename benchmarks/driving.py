"""Clients at work: each drives one case after another and waits for each answer."""

import asyncio
import time
from collections.abc import Callable, Sequence

from temporalio.client import Client

from benchmarks.contenders import OpenCase, assert_ended_well
from benchmarks.figures import Round


async def drive(client: Client, case: OpenCase) -> list[float]:
    """Take a case through its steps; return the seconds that each took."""
    handle, taken, answer = client.get_workflow_handle(case.workflow_id), [], None
    for step in case.steps:
        started = time.perf_counter()
        answer = await handle.execute_update(
            step.name, step.argument, id=step.update_id, result_type=step.result_type
        )
        taken.append(time.perf_counter() - started)
    assert_ended_well(case, answer)
    return taken


async def run_round(
    client: Client,
    cases: Sequence[OpenCase],
    clients: int,
    cpu: Callable[[], dict[str, float]],
) -> Round:
    """Let so many clients share the cases evenly; measure.

    Args:
        client: The connection that they all use.
        cases: Open ones; every client takes the same number of them.
        clients: How many act at the same time.
        cpu: Returns process → CPU seconds used so far.
    """
    assert len(cases) % clients == 0, "every client takes the same number of cases"
    latencies: list[float] = []

    async def one(mine: Sequence[OpenCase]) -> None:
        for case in mine:
            latencies.extend(await drive(client, case))

    before, started = cpu(), time.perf_counter()
    await asyncio.gather(*(one(cases[place::clients]) for place in range(clients)))
    seconds, after = time.perf_counter() - started, cpu()
    return Round(
        contender=cases[0].contender,
        clients=clients,
        seconds=seconds,
        latencies=tuple(latencies),
        cpu={name: after[name] - before[name] for name in before},
    )
