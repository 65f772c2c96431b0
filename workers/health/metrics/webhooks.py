"""Metrics of webhooks: how they went, and the state of their endpoints."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from models.store.engine import reading
from models.tables import table_of
from models.tables.webhooks import WebhookDelivery, WebhookEndpoint
from models.webhooks.status import EndpointStatus, WebhookStatus
from workers.health.metrics.sources import MetricSources, counts

_WEBHOOKS, _ENDPOINTS = table_of(WebhookDelivery).c, table_of(WebhookEndpoint).c


def webhooks(sources: MetricSources) -> Iterator[Metric]:
    """Count the webhooks by outcome, and the endpoints by status."""
    sent = GaugeMetricFamily(
        "tuixuan_webhook_deliveries", "Webhooks by outcome.", labels=["status"]
    )
    ends = GaugeMetricFamily("tuixuan_webhook_endpoints", "Endpoints by status.", labels=["status"])
    with reading(sources.record) as connection:
        by_outcome = counts(connection, _WEBHOOKS.status)
        by_status = counts(connection, _ENDPOINTS.status, where=_ENDPOINTS.removed_at.is_(None))
    for outcome in WebhookStatus:
        sent.add_metric([outcome], by_outcome.get((outcome,), 0))
    for status in EndpointStatus:
        ends.add_metric([status], by_status.get((status,), 0))
    yield sent
    yield ends
