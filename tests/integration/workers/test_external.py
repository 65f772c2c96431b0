"""Servers of somebody's own: all that they lack is said at once; one command prepares Temporal."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from tests.ports import HeldPort
from tests.servers import Nats, Postgres, running_nats
from tests.waiting import wait_until
from tests.workflow.temporal import Temporal, running_temporal
from workers.servers.found import Binary
from workers.servers.nats import find_nats
from workers.servers.nats_users import NatsLogin
from workers.servers.ports import port_is_free
from workers.settings.stack import StackSettings
from workers.stack import external
from workers.stack.external import (
    ServersUnavailable,
    external_servers_answer,
    nats_lacks,
    temporal_lacks,
)
from workflows.names import SEARCH_ATTRIBUTES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Temporal]:
    """A Temporal server without our namespace and search attributes."""
    with running_temporal(tmp_path_factory.mktemp("bare"), bare=True) as server:
        wait_until(lambda: _is_healthy(server), "Temporal is healthy: it listens before that")
        yield server


def _is_healthy(server: Temporal) -> bool:
    lacks = asyncio.run(temporal_lacks(server.address, "default"))
    return not any("not healthy" in each.why or each.passing for each in lacks)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bare: Temporal) -> None:
    for name in ("NATS_URL", "DATABASE_URL", "TEMPORAL_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TUIXUAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", bare.address)


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert run([*words, "--output", "json"]) == code
    return json.loads(capsys.readouterr().out)


def temporal_check(capsys: pytest.CaptureFixture[str], *, code: int) -> dict[str, Any]:
    checks: list[dict[str, Any]] = told(capsys, "doctor", code=code)["checks"]
    return next(each for each in checks if each["name"] == "Temporal")


def test_one_command_prepares_a_temporal_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "prepared")
    check = temporal_check(capsys, code=3)
    assert "没有命名空间 prepared" in check["found"]
    assert all(name in check["found"] for name in SEARCH_ATTRIBUTES)
    assert check["advice"].count("tuixuan server prepare") == 1

    commands = told(capsys, "server", "prepare", "--print", code=3)["commands"]
    assert [line.split()[:4] for line in commands] == [
        ["temporal", "operator", "namespace", "create"],
        ["temporal", "operator", "search-attribute", "create"],
    ]

    made = told(capsys, "server", "prepare")
    assert made["namespace_missing"] is True
    assert set(made["attributes_missing"]) == set(SEARCH_ATTRIBUTES)

    again = told(capsys, "server", "prepare")
    assert (again["namespace_missing"], again["attributes_missing"]) == (False, [])
    assert told(capsys, "server", "prepare", "--print")["commands"] == []
    assert temporal_check(capsys, code=0)["ok"] is True
    assert asyncio.run(external_servers_answer(StackSettings.load(), "prepared")) is None


def test_up_says_all_that_is_missing_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    closed = HeldPort()
    monkeypatch.setenv("NATS_URL", f"nats://u:geheim@127.0.0.1:{closed.number}")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:geheim@127.0.0.1:{closed.number}/none")
    monkeypatch.setattr(external, "PATIENCE", float("inf"))  # it waits for nothing

    assert run(["up", "--empty", "--output", "json"]) == 69

    message = json.loads(capsys.readouterr().err.splitlines()[-1])["message"]
    for part in ("没有命名空间 tuixuan", "CaseState", "server prepare", "NATS_URL", "DATABASE_URL"):
        assert part in message
    assert "geheim" not in message
    assert not list((tmp_path / "state").glob("temporal*/*"))


async def test_a_database_that_does_not_exist_is_said_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS")
    monkeypatch.setenv("DATABASE_URL", postgres.url("nowhere"))
    with pytest.raises(ServersUnavailable) as refused:
        await external_servers_answer(StackSettings.load(), "tuixuan")
    [lack] = refused.value.lacks
    assert "CREATE DATABASE" in lack.remedy
    assert lack.passing is False


async def test_nats_with_jetstream_lacks_nothing(tmp_path: Path) -> None:
    with running_nats(tmp_path) as server:
        assert isinstance(server, Nats)
        assert await nats_lacks(server.login) == []


def test_nats_without_jetstream_is_said_with_the_remedy() -> None:
    held = HeldPort()
    found = find_nats({"PATH": os.environ.get("PATH", "")})
    assert isinstance(found, Binary)
    command = [str(found.path), "-a", "127.0.0.1", "-p", str(held.number)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: not port_is_free(held.number), "NATS listens")
            [lack] = asyncio.run(nats_lacks(NatsLogin(f"nats://127.0.0.1:{held.number}")))
        finally:
            process.kill()
    assert "启用 JetStream" in lack.remedy
    assert lack.passing is False
