"""What a worker says of itself over HTTP: alive, ready, its version, its metrics."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import make_wsgi_app
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from models.cases.actions.names import Action
from services.audit.anchors import Anchor, AnchorFile, AnchorHeight
from tests.factories import commit, make_case, open_season
from tests.servers import Nats
from tests.slack import slack
from workers.health.checks import checks_of
from workers.health.metrics.registry import READ, registry_of
from workers.health.pages import Health, application
from workers.health.pulse import HUNG, Pulse
from workers.health.server import serving
from workers.processes import WorkerRole
from workers.settings.worker import WorkerSettings

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def settings(tmp_path: Path, database_urls: tuple[str, str], nats_server: Nats) -> WorkerSettings:
    record, audit = database_urls
    return WorkerSettings.load(
        state_dir=tmp_path / "state",
        database={"url": record, "audit_url": audit},
        nats={"url": nats_server.url},
    )


@contextmanager
def served(health: Health, *registry: Any) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Serve on any port; yield how to ask for a page."""
    metrics = make_wsgi_app(*registry)
    with serving(application(health, metrics), 0) as port:

        def ask(path: str) -> tuple[int, str]:
            try:
                with urlopen(f"http://127.0.0.1:{port}{path}", timeout=slack(10)) as answer:
                    return answer.status, answer.read().decode()
            except HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        yield ask
    health.close()


def families(page: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return each metric's samples by the values of their labels."""
    return {
        sample.name: {
            tuple(each.labels.values()): each.value
            for each in family.samples
            if each.name == sample.name
        }
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_a_worker_is_ready_only_with_all_that_it_needs(
    settings: WorkerSettings, engine: Engine, nats_server: Nats
) -> None:
    started: list[bool] = []
    health = Health(
        WorkerRole.RELAY,
        checks_of(WorkerRole.RELAY, settings, engine),
        lambda: bool(started),
        Pulse(),
    )
    with served(health) as ask:
        assert ask("/livez") == (200, '{"live": true}')
        assert ask("/startupz")[0] == 503
        status, said = ask("/readyz")
        assert (status, list(json.loads(said)["missing"])) == (503, ["worker"])
        started.append(True)
        assert ask("/startupz")[0] == 200
        assert ask("/readyz") == (200, '{"ready": true, "missing": {}}')
        nats_server.kill()
        status, said = ask("/readyz")
        assert (status, list(json.loads(said)["missing"])) == (503, ["nats"])
        assert ask("/livez")[0] == 200
        assert json.loads(ask("/version")[1])["role"] == "relay"
        assert ask("/nothing")[0] == 404


async def test_a_worker_whose_loop_hangs_is_not_alive() -> None:
    now = [0.0]
    pulse = Pulse(lambda: now[0])
    with served(Health(WorkerRole.RELAY, {}, lambda: True, pulse)) as ask:
        now[0] = HUNG - 1
        assert ask("/livez")[0] == 200
        now[0] = HUNG
        assert ask("/livez") == (503, '{"live": false}')
        beating = asyncio.create_task(pulse.beat(0))
        await asyncio.sleep(0)
        assert (await asyncio.to_thread(ask, "/livez"))[0] == 200
        beating.cancel()


def test_a_server_that_hangs_is_missing_after_a_second() -> None:
    asked, released = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        released.wait()

    with served(Health(WorkerRole.RELAY, {"database": hang}, lambda: True, Pulse())) as ask:
        for _ in range(2):
            status, said = ask("/readyz")  # it is not waited for until it answers
            assert (status, "no answer" in said) == (503, True)
        released.set()
    assert len(asked) == 1


async def test_each_role_reports_what_the_record_holds(
    settings: WorkerSettings, engine: Engine, audit_engine: Engine, js: object
) -> None:
    del js
    open_season(engine)
    case_id = make_case(engine)
    commit(engine, case_id, Action.SUBMIT)
    found: dict[str, Any] = {}
    for role in READ:
        with served(
            Health(role, {}, lambda: True, Pulse()),
            registry_of(role, settings, engine, audit_engine),
        ) as ask:
            status, page = await asyncio.to_thread(ask, "/metrics")
        assert status == 200
        found |= families(page)
    assert found["tuixuan_case_transitions_total"][("submit",)] == 1
    assert found["tuixuan_cases"][("province_review",)] == 1
    assert found["tuixuan_outbox_waiting"][()] == 1
    assert found["tuixuan_outbox_oldest_age_seconds"][()] >= 0
    assert found["tuixuan_audit_chain_height"][()] == 0
    assert found["tuixuan_deliveries"][("mail", "failed")] == 0


def test_what_cannot_be_read_is_absent_and_the_rest_is_there(
    settings: WorkerSettings, engine: Engine, audit_engine: Engine, nats_server: Nats
) -> None:
    nats_server.kill()
    registry = registry_of(WorkerRole.RELAY, settings, engine, audit_engine)
    with served(Health(WorkerRole.RELAY, {}, lambda: True, Pulse()), registry) as ask:
        status, page = ask("/metrics")
    assert status == 200
    assert "tuixuan_outbox_waiting 0.0" in page
    assert "tuixuan_consumer_lag_messages" not in page
    assert 'tuixuan_metrics_unreadable{part="lag"} 1.0' in page
    assert 'tuixuan_metrics_unreadable{part="outbox"} 0.0' in page


def test_the_height_of_the_anchors_is_followed_without_reading_all_again(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    height, anchors = AnchorHeight(path), AnchorFile(path)
    assert height.read() == 0
    at = datetime(2024, 4, 1, tzinfo=UTC)
    for n, expected in ((1, 1), (7, 7), (5, 7)):
        anchors.append(Anchor(n, "x", at))
        assert height.read() == expected
    with path.open("a") as file:
        file.write('nonsense\n{"n": 9, "ha')
    assert (height.read(), height.read()) == (7, 7)
    with path.open("a") as file:
        file.write('sh": "x"}\n')
    assert height.read() == 9
    path.write_text('{"n": 2, "hash": "x"}\n')
    assert height.read() == 2
