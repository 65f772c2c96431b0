"""The one list of our workers, and everything that must name each of them."""

import subprocess
import sys

import pytest

from cli.main import run
from tests.factories import ROOT
from workers import roles
from workers.health.metrics.registry import READ
from workers.processes import NEEDS, WorkerRole, health_port
from workers.roles import RUN
from workers.settings.environment import leaves
from workers.settings.stack import StackSettings
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
