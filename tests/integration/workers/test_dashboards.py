"""The metrics and pages that the alert rules and the dashboard name exist."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from nats.js import JetStreamContext
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from tests.factories import ROOT
from tests.servers import Nats
from workers.health.metrics.registry import READ, registry_of
from workers.processes import WorkerRole
from workers.settings.worker import WorkerSettings
from workers.stack.ports import HEALTH
from workers.stream.jetstream import CONSUMERS, ensure_consumer

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
BOARD = json.loads((ROOT / "deploy" / "grafana" / "tuixuan.json").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
LANGUAGE = {"by", "delta", "min_over_time", "rate", "sum", "up"}
"""Words of PromQL, and the one metric that Prometheus itself makes."""


def expressions() -> Iterator[str]:
    yield from (alert["expr"] for alert in ALERTS)
    yield from (target["expr"] for panel in BOARD["panels"] for target in panel["targets"])


def named(expression: str) -> set[str]:
    """Return the metrics that an expression names: all words that are no label and no function."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", "", expression)
    return set(re.findall(r"[a-zA-Z_]\w*", bare)) - LANGUAGE


def unknown(known: set[str], *more: str) -> set[str]:
    return {name for text in (*expressions(), *more) for name in named(text)} - known


@pytest.fixture
async def exported(
    tmp_path: Path,
    database_urls: tuple[str, str],
    engine: Engine,
    audit_engine: Engine,
    nats_server: Nats,
    js: JetStreamContext,
) -> set[str]:
    """The names of the metrics that the workers really export."""
    for consumer in CONSUMERS:
        await ensure_consumer(js, consumer)
    settings = WorkerSettings.load(
        state_dir=tmp_path / "state",
        database={"url": database_urls[0], "audit_url": database_urls[1]},
        nats={"url": nats_server.url},
    )
    names: set[str] = set()
    for role in READ:
        registry = registry_of(role, settings, engine, audit_engine)
        page = await asyncio.to_thread(generate_latest, registry)
        for family in text_string_to_metric_families(page.decode()):
            names |= {sample.name for sample in family.samples}
    return names


def test_every_metric_that_is_named_exists(exported: set[str]) -> None:
    assert unknown(exported) == set()
    assert unknown(exported, "rate(tuixuan_outbox_wating[5m]) > 0") == {"tuixuan_outbox_wating"}


def test_every_metric_of_ours_is_on_the_dashboard(exported: set[str]) -> None:
    shown = {name for text in expressions() for name in named(text)}
    ours = {name for name in exported if name.startswith("tuixuan_")}
    assert ours - shown == {"tuixuan_build_info"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    told = alert["annotations"]
    assert told["summary"]
    assert told["description"]
    path, _, anchor = told["runbook_url"].partition("#")
    headings = re.findall(r"(?m)^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"))
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_sample_configuration_asks_every_worker() -> None:
    sample = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = sample["scrape_configs"]
    ports = [int(target.rpartition(":")[2]) for target in job["static_configs"][0]["targets"]]
    assert len(ports) >= len(WorkerRole)
    assert set(ports) <= set(HEALTH)
    assert [PROMETHEUS.joinpath(name).exists() for name in sample["rule_files"]] == [True]
