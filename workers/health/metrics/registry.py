"""What a worker counts for Prometheus: read from the record at each scrape, never kept.

So a restart loses no count, and no worker has to remember to count. Each fact is reported
by one role alone, so that sums over processes are right. No id is ever a label.
"""

from collections.abc import Iterator, Mapping

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from services.audit.anchors import AnchorHeight
from workers.health.metrics.audit import chain
from workers.health.metrics.cases import calendar, deadlines, steps
from workers.health.metrics.notifications import deliveries
from workers.health.metrics.sources import MetricSources, Read
from workers.health.metrics.stream import lag, letters, outbox
from workers.health.metrics.webhooks import webhooks
from workers.logs.setup import app_version
from workers.processes import WorkerRole
from workers.settings.worker import WorkerSettings

READ: Mapping[WorkerRole, tuple[Read, ...]] = {
    WorkerRole.CASES: (steps, deadlines, calendar),
    WorkerRole.RELAY: (outbox, lag, letters),
    WorkerRole.AUDIT: (chain,),
    WorkerRole.NOTIFY: (deliveries,),
    WorkerRole.WEBHOOK: (webhooks,),
}
"""What each role reports; the other roles report only their own process."""

log = structlog.get_logger(__name__)


class RoleCollector(Collector):
    """Reads a role's metrics at each scrape; what cannot be read is logged, absent and named."""

    def __init__(self, role: WorkerRole, sources: MetricSources) -> None:
        self._role, self._sources = role, sources

    def describe(self) -> list[Metric]:
        """Return no names: they are known only after a scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what can be read now."""
        about = GaugeMetricFamily("tuixuan_build_info", "Always 1.", labels=["role", "version"])
        about.add_metric([self._role, app_version()], 1)
        yield about
        unread = GaugeMetricFamily(
            "tuixuan_metrics_unreadable", "Whether a part could not be read.", labels=["part"]
        )
        for read in READ.get(self._role, ()):
            failed = 0
            try:
                yield from list(read(self._sources))
            except Exception as error:  # noqa: BLE001 - a scrape never fails a worker
                failed = 1
                log.warning("metrics_unreadable", part=read.__name__, error=type(error).__name__)
            unread.add_metric([read.__name__], failed)
        if unread.samples:
            yield unread


def registry_of(
    role: WorkerRole, settings: WorkerSettings, record: Engine, audit: Engine
) -> CollectorRegistry:
    """Return everything that the process of a role reports to Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    sources = MetricSources(settings, record, audit, AnchorHeight(settings.places.audit_anchor))
    registry.register(RoleCollector(role, sources))
    return registry
