"""Limits follow the machine: as long as on an idle one, and longer on a slower one."""

import time

import pytest

from tests import slack as module
from tests.slack import LONGEST, REFERENCE_SECONDS, VARIABLE, Limit, slack, stretch
from tests.waiting import until, wait_until


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many times slower than idle the machine is, to be changed; measured at each asking."""
    slowness = [1.0]
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(module, "sample", lambda: slowness[0] * REFERENCE_SECONDS)
    monkeypatch.setattr(module, "_latest", 1.0)
    monkeypatch.setattr(module, "_greatest", 1.0)
    monkeypatch.setattr(module, "_measured_at", float("-inf"))
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    return slowness


def test_an_idle_machine_gets_what_is_written(machine: list[float]) -> None:
    machine[0] = 0.3
    assert slack(7, stale=-1) == stretch(7) == 7


def test_the_slowest_moment_counts_for_limits_and_the_last_one_for_dates(
    machine: list[float],
) -> None:
    machine[0] = 4
    assert slack(7, stale=-1) == 28
    machine[0] = 2
    assert slack(7, stale=-1) == 28
    assert stretch(7) == 14


def test_no_measurement_makes_a_limit_endless(machine: list[float]) -> None:
    machine[0] = 1e6
    assert slack(1, stale=-1) == LONGEST


def test_a_factor_that_is_known_is_not_measured(
    machine: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine[0] = 9
    monkeypatch.setenv(VARIABLE, "2.5")
    assert slack(2, stale=-1) == 5


def test_time_passes_as_slowly_as_the_machine(
    machine: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    limit, machine[0] = Limit(10), 5
    clock[0] += 40
    assert not limit.passed()
    machine[0] = 1
    clock[0] += 1
    assert not limit.passed()
    clock[0] += 1
    assert limit.passed()
    assert str(limit) == "42.0 s, where 10 s do on an idle machine"


async def test_a_wait_in_vain_says_for_what() -> None:
    with pytest.raises(AssertionError, match=r"^in vain for .*: the moon$"):
        wait_until(bool, "the moon", within=0.01)
    with pytest.raises(AssertionError, match=r"in vain for .*: await until\(lambda: bool"):
        await until(lambda: bool(0), within=0.01)


async def test_a_wait_returns_the_answer() -> None:
    answers = iter([None, "", "yes"])
    assert wait_until(lambda: next(answers)) == "yes"

    async def ask() -> str | None:
        return "true"

    assert await until(ask) == "true"
