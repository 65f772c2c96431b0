"""The one list of our workers, and everything that must name each of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import run
from tests.factories import ROOT
from workers import roles
from workers.folder.places import Places
from workers.health.metrics.registry import READ
from workers.processes import NEEDS, Processes, WorkerRole, groups, health_port
from workers.roles import RUN
from workers.settings.environment import leaves
from workers.settings.stack import StackSettings
from workers.stack import programs
from workers.stack.ports import HEALTH, PORTS
from workers.stack.servers import Servers


def test_each_role_is_run_by_the_function_of_its_name() -> None:
    assert {role: getattr(roles, role) for role in WorkerRole} == RUN


def test_each_role_says_which_servers_it_needs() -> None:
    assert set(NEEDS) == set(WorkerRole)
    assert all(NEEDS.values())


def test_each_part_of_the_metrics_is_reported_by_one_role() -> None:
    assert set(READ) <= set(WorkerRole)
    parts = [read.__name__ for reads in READ.values() for read in reads]
    assert len(set(parts)) == len(parts)


def test_each_role_has_a_port_of_its_own_for_its_health() -> None:
    names = Servers(temporal=None, nats=None).port_names()
    assert names == ["portal", *map(health_port, WorkerRole)]
    assert not set(PORTS) & set(map(health_port, WorkerRole))
    assert len(HEALTH) >= len(WorkerRole)


def test_the_names_and_their_order_are_pinned() -> None:
    """`tuixuan worker ROLE`, `status`, log files and service files name them."""
    assert list(WorkerRole) == [
        "cases",
        "relay",
        "audit",
        "notify",
        "webhook",
        "reconcile",
        "portal",
    ]


def test_the_list_costs_the_command_line_nothing() -> None:
    script = (
        "import sys; import workers.processes; print(sorted({'temporalio', 'sqlalchemy',"
        "'pydantic', 'nats', 'rich', 'structlog'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_variable_of_each_port_is_one_that_the_settings_have() -> None:
    known = dict(leaves(StackSettings))
    for port in PORTS.values():
        assert known[port.variable] == (port.section, port.setting)


def test_the_option_of_each_port_is_one_that_up_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", "--help"]) == 0
    said = capsys.readouterr().out
    assert [port.option for port in PORTS.values() if port.option not in said] == []


@pytest.mark.parametrize("processes", ["few", "each"])
def test_each_role_is_in_one_process(processes: Processes) -> None:
    found = [role for roles in groups(processes) for role in roles]
    assert sorted(found) == sorted(WorkerRole)
    assert (len(groups(processes)) == len(WorkerRole)) is (processes == "each")


def test_a_line_goes_to_the_log_of_the_role_that_wrote_it(tmp_path: Path) -> None:
    shared = programs.worker(
        [WorkerRole.RELAY, WorkerRole.AUDIT], Places(tmp_path), {}, [9464, 9465]
    )
    assert shared.speaker('{"ts": "2024", "event": "x", "service": "audit"}') == "audit"
    assert shared.speaker('{"ts": "2024", "event": "x", "service": "portal"}') == "relay"
    assert shared.speaker("Traceback (most recent call last):") == "relay"
    assert dict(shared.parts) == {
        "relay": "http://127.0.0.1:9464", "audit": "http://127.0.0.1:9465"
    }  # fmt: skip
    assert shared.command[-7:-2] == ["audit", "--health-port", "9464", "--health-port", "9465"]


@pytest.mark.parametrize(
    "ports", [("0",), ("65536",), ("99999999",), ("x",), ("9464", "9465")], ids=",".join
)
def test_ports_that_cannot_be_are_refused_before_anything_runs(
    ports: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word for port in ports for word in ("--health-port", port)]
    assert run(["worker", "relay", "relay", *given]) == 2
    assert "health-port" in capsys.readouterr().err
