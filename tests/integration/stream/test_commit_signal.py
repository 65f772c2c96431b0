"""A commit wakes who waits for events; a database that is away only delays."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from services.stream.commit_signal import CommitSignal, commit_signal
from tests.factories import commit, make_case
from tests.slack import slack

LONG = 60.0
SHORT = 0.3


@pytest.fixture
def signal(engine: Engine) -> Iterator[CommitSignal]:
    made = commit_signal(engine)
    made.wait(0)
    yield made
    made.close()


def waited(signal: CommitSignal, seconds: float) -> float:
    """How long it waited."""
    began = time.monotonic()
    signal.wait(seconds)
    return time.monotonic() - began


def longest_wait(signal: CommitSignal) -> float:
    """How long it waits once it has seen what came before."""
    return max(waited(signal, SHORT) for _ in range(3))


@pytest.mark.usefixtures("season")
def test_a_commit_meanwhile_wakes(engine: Engine, signal: CommitSignal) -> None:
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    signal.wait(0)
    later = threading.Timer(0.2, commit, (engine, case_id, Action.ACCEPT))
    later.start()
    assert waited(signal, slack(LONG)) < slack(LONG) / 2
    later.join()


@pytest.mark.usefixtures("season")
def test_a_commit_before_is_not_missed(engine: Engine, signal: CommitSignal) -> None:
    make_case(engine, state=State.PROVINCE_REVIEW)
    assert waited(signal, slack(LONG)) < slack(LONG) / 2


@pytest.mark.usefixtures("season")
def test_without_a_commit_it_waits(signal: CommitSignal) -> None:
    assert longest_wait(signal) >= SHORT


def test_while_the_database_is_away_it_waits_as_long(
    engine: Engine,
    signal: CommitSignal,
    database_away: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    del engine
    with database_away():
        assert longest_wait(signal) >= SHORT
    signal.wait(0)
