"""`tuixuan temporal`: Temporal's own command line, on the running system."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cli.main import run

type Run = tuple[str, list[str], Mapping[str, str]]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Run]:
    """What would have replaced this process: a `temporal` on PATH, with arguments and variables."""
    program = tmp_path / "bin" / "temporal"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho temporal version 1.8.2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("TUIXUAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "ours")
    seen: list[Run] = []

    def execve(path: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        seen.append((path, list(arguments), environ))

    monkeypatch.setattr(os, "execve", execve)
    return seen


def test_everything_after_it_goes_to_temporal_with_address_and_namespace(
    executed: list[Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example.invalid:7233")
    words = ["workflow", "list", "--query", "CaseState='draft'", "--output", "json", "--help"]

    assert run(["temporal", *words]) == 0

    [(path, arguments, environ)] = executed
    program = str(tmp_path / "bin" / "temporal")
    assert (path, arguments) == (program, [program, *words])
    assert environ["TEMPORAL_ADDRESS"] == "temporal.example.invalid:7233"
    assert environ["TEMPORAL_NAMESPACE"] == "ours"


def test_its_own_help_is_ours(executed: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["temporal", "--help"]) == 0
    assert "地址与命名空间已经设好" in capsys.readouterr().out
    assert executed == []


def test_no_system_and_no_command_are_said(
    executed: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    assert run(["temporal", "workflow", "list"]) == 69
    assert "stack_not_running" in capsys.readouterr().err
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:7233")
    monkeypatch.setenv("PATH", "")
    assert run(["temporal", "workflow", "list"]) == 69
    assert "server_missing" in capsys.readouterr().err
    assert executed == []
