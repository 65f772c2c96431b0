"""Each worker of a running system says over HTTP that it lives, is ready, and what it counts."""

from urllib.request import urlopen

import pytest

from tests.e2e.stack import Stack
from tests.slack import slack
from workers.health.metrics.registry import READ
from workers.processes import WorkerRole

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("shared-stack"),
]


def page(address: str, path: str) -> str:
    with urlopen(f"{address}{path}", timeout=slack(10)) as answer:  # noqa: S310 - our own loopback
        assert answer.status == 200
        return str(answer.read().decode())


def test_every_worker_answers_about_itself(stack: Stack) -> None:
    told = {each["name"]: each["health"] for each in stack.status()["processes"]}
    assert {name for name, address in told.items() if address} == set(WorkerRole)
    assert len(set(filter(None, told.values()))) == len(WorkerRole)
    for role in WorkerRole:
        for path in ("/livez", "/readyz", "/startupz", "/version"):
            assert page(told[role], path).startswith("{")
        metrics = page(told[role], "/metrics")
        assert f'tuixuan_build_info{{role="{role}"' in metrics
        assert "process_resident_memory_bytes" in metrics
    assert set(READ) <= set(WorkerRole)
    assert 'tuixuan_case_transitions_total{action="submit"}' in page(told["cases"], "/metrics")
    assert 'tuixuan_consumer_lag_messages{consumer="audit"}' in page(told["relay"], "/metrics")
    assert "tuixuan_audit_chain_height" in page(told["audit"], "/metrics")
    assert 'tuixuan_deliveries{channel="mail",status="sent"}' in page(told["notify"], "/metrics")
