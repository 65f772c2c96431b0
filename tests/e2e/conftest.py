"""Whole systems: one that tests of an xdist worker share, and one of a test's own.

A test that kills, stops or loses something takes `own_stack`; all others `stack`. Tests
that share one keep to a season of their own where they count or list cases. Modules that
use `stack` carry `pytest.mark.xdist_group("shared-stack")`, so that one such system serves
all, and a `pytest.mark.timeout` that leaves time for its start.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack

for tried_by in ("cases", "channels", "dates", "people", "system", "webhooks"):
    pytest.register_assert_rewrite(f"tests.e2e.answers.{tried_by}")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The system as a first start leaves it: the 2024 season with its sample cases.

    Its webhooks may go to receivers on loopback.
    """
    inside = {"TUIXUAN_WEBHOOK__ALLOWED_NETWORKS": "127.0.0.0/8"}
    shared = Stack(tmp_path_factory.mktemp("stack"), inside)
    try:
        shared.up()
        yield shared
    finally:
        shared.clean()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A system of the test's own, without a season: the test may do to it what it likes."""
    own = Stack(tmp_path / "stack")
    try:
        own.up("--empty")
        yield own
    finally:
        own.clean()
