"""Every command tells what it does, at once."""

import resource
import subprocess

import pytest

from tests.e2e.driving import Command, side_by_side
from tests.e2e.stack import Stack
from tests.e2e.traces import is_chinese
from tests.factories import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("first-start")]

CASE = (
    "create", "edit", "show", "list", "history", "form", "submit", "return", "accept", "decline",
    "send-back", "request-correction", "resubmit", "pass", "fail", "withdraw", "disqualify",
    "recommend", "leave-out", "shortlist", "select", "not-select", "publish", "extend", "reopen",
)  # fmt: skip
WEBHOOK = (
    "add", "list", "edit", "test", "rotate", "pause", "resume", "remove", "deliveries", "attempts",
    "replay",
)  # fmt: skip
COMMANDS: tuple[Command, ...] = (
    (),
    *((name,) for name in ("up", "down", "status", "season", "case", "inbox", "audit")),
    *((name,) for name in ("reconcile", "worker", "db", "doctor", "demo", "version")),
    *(("season", name) for name in ("open", "list", "show", "move", "extend")),
    *(("case", name) for name in CASE),
    *(("audit", name) for name in ("verify", "export", "entries", "deeds", "sign", "rotate-key")),
    ("retention", "show"),
    ("retention", "apply"),
    ("dead-letter", "show"),
    ("dead-letter", "drop"),
    ("stream", "rebuild"),
    ("db", "upgrade"),
    ("calendar", "list"),
    ("calendar", "set"),
    ("webhook",),
    *(("webhook", name) for name in WEBHOOK),
    ("user", "list"),
    ("user", "add"),
    ("user", "email"),
    ("user", "channel"),
    ("user", "feed"),
    ("template", "list"),
    ("template", "show"),
    ("delivery", "list"),
    ("delivery", "retry"),
)
"""Every command, but for what only starts or stops things."""


def test_every_command_helps(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = Stack(tmp_path_factory.mktemp("help"))
    said = side_by_side(lambda command: nowhere.run(*command, "--help"), COMMANDS)
    for command, done in zip(COMMANDS, said, strict=True):
        assert done.stderr == "", command
        assert " ".join(["tuixuan", *command]) in done.stdout
        assert is_chinese(done.stdout), command
        assert "--output" in done.stdout, command
        assert "--state-dir" in done.stdout, command


def test_help_comes_at_once() -> None:
    def once() -> float:
        """Return the seconds of work that it takes; beside other work all else is chance."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [str(ROOT / ".venv" / "bin" / "tuixuan"), "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "reconcile" in done.stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(5)) < 0.4
