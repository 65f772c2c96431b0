"""`tuixuan up`, `down`, `status` on real servers and workers, as a person runs them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ports import HeldPort, StackPorts
from tests.servers import running_nats
from tests.slack import slack
from tests.waiting import wait_until
from workers.folder.lock import holder
from workers.folder.places import Places
from workers.processes import WorkerRole, groups
from workers.servers.ports import LOOPBACK
from workers.settings.stack import StackSettings
from workers.stack import external
from workers.stack.external import ServersUnavailable, external_servers_answer
from workers.stack.ports import PORTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("stack")]

NAMES = ["temporal", "nats", *WorkerRole]
COMMAND_SECONDS = 60.0
"""For a command, `up` and `down` among them."""


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def complaints(path: Path, begin: int) -> list[str]:
    """Return the lines of a log from a place on that report trouble."""
    bad = re.compile(r'"level": ?"(warning|WARN|error|ERROR|critical)"|Traceback|\[(WRN|ERR|FTL)\]')
    text = path.read_bytes()[begin:].decode(errors="replace")
    return [line for line in text.splitlines() if bad.search(line)]


class Stack:
    """A folder, and the commands that are run on it."""

    def __init__(self, root: Path, *, ports_held: bool) -> None:
        """`ports_held`: it finds ports that nobody else takes, also while it is down."""
        self.places = Places(root)
        self._ports = StackPorts(self.places) if ports_held else None
        self.started: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli", *arguments, "--state-dir", str(self.places.root)]

    def run(
        self, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=slack(COMMAND_SECONDS),
            env={**os.environ, **(environ or {})},
            check=False,
        )

    def json(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Any:
        done = self.run(*arguments, "--output", "json", environ=environ)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def status_when_down(self) -> Any:
        done = self.run("status", "--output", "json")
        assert done.returncode == 69, done.stderr
        return json.loads(done.stdout)

    def refused(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Any:
        """Run a command that must fail; return its exit code, code and message."""
        done = self.run(*arguments, "--output", "json", environ=environ)
        told = json.loads(done.stderr.splitlines()[-1])
        return done.returncode, told["code"], told["message"]

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start `up` in the foreground."""
        self.places.prepare()
        with self.places.log_of("terminal").open("ab") as out:
            process = subprocess.Popen(self.command("up", *arguments), stdout=out, stderr=out)
        self.started.append(process)
        return process

    def report(self) -> Any:
        return json.loads(self.places.report.read_text()) if self.places.report.exists() else {}

    def ready(self) -> Any:
        return wait_until(lambda: self.report() if self.report().get("ready") else None, "ready")

    def pids(self) -> dict[str, int]:
        return {process["name"]: process["pid"] for process in self.report()["processes"]}

    def restarted(self, name: str, old: int) -> Any:
        """Wait until a process serves again under another pid; return its report."""

        def again() -> Any:
            found = next(p for p in self.report()["processes"] if p["name"] == name)
            return found if found["ready"] and found["pid"] not in (None, old) else None

        return wait_until(again, f"{name} restarted")

    def clean(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        if holder(self.places) is not None:
            self.run("down")


type Make = Callable[..., Stack]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPORAL_ADDRESS", "NATS_URL", "DATABASE_URL", "TUIXUAN_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stacks(tmp_path: Path) -> Iterator[Make]:
    made: list[Stack] = []

    def one(*, ports_held: bool = True) -> Stack:
        made.append(Stack(tmp_path / f"stack{len(made)}", ports_held=ports_held))
        return made[-1]

    yield one
    for stack in made:
        stack.clean()


def test_what_ends_one_role_ends_all_that_share_its_process(stacks: Make) -> None:
    """Also those that still wait for a server; the port of the portal is taken."""
    stack = stacks()
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        environ = {"NATS_URL": f"nats://{LOOPBACK}:1", "TUIXUAN_PORTAL__PORT": port}
        told = stack.refused("worker", "relay", "portal", "notify", environ=environ)
    assert told[:2] == (69, "port_taken")
    assert "TUIXUAN_PORTAL__PORT" in told[2]


def test_a_life_in_the_background(stacks: Make) -> None:
    stack, other = stacks(), stacks()
    told = stack.json("up", "--detach", "--empty")
    assert told["ready"] is True
    assert [process["name"] for process in told["processes"]] == NAMES
    assert stack.json("status") == stack.report()

    # The folder is taken, and so are its ports for whoever asks for one of them.
    code, name, message = stack.refused("up", "--empty")
    assert (code, name) == (1, "stack_running")
    assert str(told["pid"]) in message
    taken = told["addresses"]["nats"].rpartition(":")[2]
    code, name, message = other.refused("up", "--empty", "--nats-port", taken)
    assert (code, name) == (69, "port_taken")
    assert taken in message
    assert "--nats-port" in message
    portal = told["addresses"]["portal"].rpartition(":")[2]
    code, name, message = other.refused("up", "--empty", "--portal-port", portal)
    assert (code, name) == (69, "port_taken")
    assert "--portal-port" in message
    alone = {"TUIXUAN_PORTAL__PORT": portal}
    code, name, message = other.refused("worker", "portal", environ=alone)
    assert (code, name) == (69, "port_taken")
    assert "TUIXUAN_PORTAL__PORT" in message
    environ = {"TUIXUAN_NATS__PORT": taken}
    assert other.refused("up", "--detach", environ=environ)[:2] == (69, "start_failed")

    # Whatever dies is started again, where it was, with all roles of the process.
    assert len(set(stack.pids().values())) == 2 + len(groups("few"))
    for victim, *others in (["temporal"], ["nats"], *groups("few")):
        pid = stack.pids()[victim]
        os.kill(pid, signal.SIGKILL)
        assert [stack.restarted(each, pid)["restarts"] for each in (victim, *others)] == [
            1 for _ in (victim, *others)
        ]
    stack.ready()
    assert stack.json("status")["addresses"] == told["addresses"]

    # Nothing outlives the supervisor, and the next one finds everything where it was.
    pids = stack.pids()
    os.kill(told["pid"], signal.SIGKILL)
    wait_until(lambda: all(map(is_gone, pids.values())), "no orphans")
    down = stack.status_when_down()
    assert (down["ready"], down["processes"]) == (False, [])
    assert stack.json("up", "--detach", "--empty")["addresses"] == told["addresses"]

    # SIGHUP stops nothing; moved logs are begun anew.
    pids = stack.pids()
    supervisor = stack.json("status")["pid"]
    for name in ("tuixuan", "relay"):
        stack.places.log_of(name).rename(stack.places.logs / f"{name}.moved")
    for role in WorkerRole:
        os.kill(pids[role], signal.SIGHUP)
    os.kill(supervisor, signal.SIGHUP)
    wait_until(lambda: stack.places.log_of("tuixuan").exists(), "a new log of the supervisor")
    assert "logs_reopened" in stack.places.log_of("tuixuan").read_text()
    assert stack.pids() == pids

    # A stop is clean, and so is what each process says of it.
    said = {path: path.stat().st_size for path in stack.places.logs.glob("*.log")}
    stopped = stack.run("down")
    assert stopped.returncode == 0
    assert all(map(is_gone, pids.values()))
    for path in stack.places.logs.glob("*.log"):
        assert complaints(path, said.get(path, 0)) == []
    assert not stack.places.report.exists()
    assert "没有系统在运行" in stack.run("down").stderr


def test_a_second_stack_takes_other_ports_and_the_same_ones_again(
    stacks: Make,
) -> None:
    first, second = (stacks(ports_held=False) for _ in range(2))
    processes = [first.start("--empty"), second.start("--empty")]  # at the same time
    reports = [first.ready(), second.ready()]
    ports = [
        {
            name: address.rpartition(":")[2]
            for name, address in report["addresses"].items()
            if address
        }
        for report in reports
    ]
    for name in PORTS:
        assert ports[0][name] != ports[1][name]

    # Ctrl-C is a clean stop; workers end before the servers.
    pids = [pid for stack in (first, second) for pid in stack.pids().values()]
    for process in processes:
        process.send_signal(signal.SIGINT)
    assert [process.wait(slack(60)) for process in processes] == [0, 0]
    assert all(map(is_gone, pids))
    said = first.places.log_of("tuixuan").read_text()
    assert "process_killed" not in said
    terminal = first.places.log_of("terminal").read_text()
    assert "http://127.0.0.1:" in terminal
    assert ".eml" in terminal
    assert "cases    | {" in terminal


def test_a_stop_before_it_is_ready_leaves_nothing(stacks: Make) -> None:
    stack = stacks()
    process = stack.start("--empty")
    wait_until(
        lambda: any(p["pid"] for p in stack.report().get("processes", [])), "a first process"
    )
    pids = [pid for pid in stack.pids().values() if pid]
    process.terminate()
    assert process.wait(slack(60)) == 0
    assert all(map(is_gone, pids))
    assert stack.status_when_down()["ready"] is False


def test_a_failed_start_in_the_background_says_why(stacks: Make) -> None:
    stack = stacks()
    closed = HeldPort()
    environ = {"DATABASE_URL": f"postgresql://u:geheim@127.0.0.1:{closed.number}/none"}
    code, name, message = stack.refused("up", "--detach", "--empty", environ=environ)
    assert (code, name) == (69, "start_failed")
    assert "DATABASE_URL" in message
    written = "".join(path.read_text() for path in stack.places.logs.iterdir())
    assert "geheim" not in message + written
    assert stack.status_when_down()["ready"] is False


async def test_external_servers_are_waited_for_and_then_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(external, "PATIENCE", 0.5)
    closed = HeldPort()
    port = closed.number
    for variable, address in (
        ("TEMPORAL_ADDRESS", f"127.0.0.1:{port}"),
        ("NATS_URL", f"nats://u:geheim@127.0.0.1:{port}"),
    ):
        monkeypatch.setenv(variable, address)
        settings = StackSettings.load(state_dir=tmp_path)
        with pytest.raises(ServersUnavailable, match=variable) as away:
            await external_servers_answer(settings, "tuixuan")
        assert "geheim" not in str(away.value)
        monkeypatch.delenv(variable)


def test_external_servers_are_used_and_not_started(stacks: Make, tmp_path: Path) -> None:
    host, guest = stacks(), stacks()
    addresses = host.json("up", "--detach", "--empty")["addresses"]
    with running_nats(tmp_path / "nats") as server:
        environ = {"TEMPORAL_ADDRESS": addresses["temporal"], "NATS_URL": server.url}
        _use_others(host, guest, environ)


def _use_others(host: Stack, guest: Stack, environ: Mapping[str, str]) -> None:
    told = guest.json("up", "--detach", "--empty", environ=environ)
    assert [process["name"] for process in told["processes"]] == NAMES[2:]
    assert told["addresses"]["temporal"] == environ["TEMPORAL_ADDRESS"]
    assert not guest.places.nats_users.exists()
    assert told["addresses"]["temporal_ui"] is None
    assert guest.json("doctor")["ok"] is True
    guest.run("down")
    assert host.json("status")["ready"] is True
