"""The supervisor dies by kill -9: at the next start the records are compared by themselves."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.e2e.driving import ACCEPT, SUBMIT, act, new_season, part
from tests.e2e.records import assert_four_records_agree, settle
from tests.e2e.stack import Stack
from workflows import names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

COMPARING = "comparing_after_unclean_stop"


async def test_what_a_stop_broke_is_found_repaired_and_recorded_at_the_next_start(
    own_stack: Stack,
) -> None:
    await nights_off(await own_stack.client())
    case_id = own_stack.create_case(new_season(own_stack))
    act(own_stack, case_id, SUBMIT)
    settle(own_stack, [case_id])

    own_stack.down()
    own_stack.up()
    assert own_stack.places.started.exists()
    assert starts_with_comparison(own_stack) == 0
    before = finished(own_stack)  # none, unless it was night when the Schedule was made

    kill_all(own_stack)
    shutil.rmtree(own_stack.places.nats_store)
    own_stack.up()
    own_stack.wait_until(
        lambda: finished(own_stack) != before, within=90, what="the records are compared"
    )
    assert not own_stack.places.unclean.exists()
    run, *earlier = finished(own_stack)
    assert earlier == before
    assert part(run, "cases", "differences", "unrepaired") == {
        "cases": 1, "differences": 1, "unrepaired": 0,
    }  # fmt: skip
    assert own_stack.logs("reconcile").count("records_repaired") == 1
    act(own_stack, case_id, ACCEPT)
    assert await assert_four_records_agree(own_stack, [case_id]) == 2

    own_stack.down()
    own_stack.up()
    assert starts_with_comparison(own_stack) == 1
    assert finished(own_stack) == [run, *before]


async def nights_off(client: Client) -> None:
    """Pause the Schedule, in case that it is night: what an operator paused stays paused."""
    await client.get_schedule_handle(names.RECONCILE_SCHEDULE).pause()


def kill_all(stack: Stack) -> None:
    """Kill the supervisor, and wait until the kernel has ended all that it started."""
    pids = [each["pid"] for each in stack.status()["processes"]]
    pids.append(stack.kill("tuixuan"))
    stack.wait_until(lambda: not any(map(lives, pids)), what="nothing is left of the stack")


def lives(pid: int) -> bool:
    """Tell whether a process runs: without an init that reaps, a dead one stays in the table."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def starts_with_comparison(stack: Stack) -> int:
    """Return how often the worker asked for one; it does so before it says that it serves."""
    return stack.logs("reconcile").count(COMPARING)


def finished(stack: Stack) -> list[dict[str, Any]]:
    """Return the comparisons that came to an end, as one that began too early may not have."""
    items: list[dict[str, Any]] = stack.json("reconcile", "--runs")["items"]
    return [run for run in items if run["finished_at"]]
