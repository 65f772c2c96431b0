"""Metrics of notifications: how they left, and how many reminders reached an inbox."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select

from models.cases.actions.names import EventName
from models.notifications.delivery import Channel, DeliveryStatus
from models.store.engine import reading
from models.tables import Delivery, InboxMessage, table_of
from workers.health.metrics.sources import MetricSources, counts

_MESSAGES, _DELIVERIES = table_of(InboxMessage).c, table_of(Delivery).c


def deliveries(sources: MetricSources) -> Iterator[Metric]:
    """Count the deliveries by channel and outcome, and the reminders in inboxes."""
    by = GaugeMetricFamily(
        "tuixuan_deliveries", "Messages by channel and outcome.", labels=["channel", "status"]
    )
    reminded = select(func.count()).where(_MESSAGES.event == EventName.DEADLINE_APPROACHING)
    with reading(sources.record) as connection:
        found = counts(connection, _DELIVERIES.channel, _DELIVERIES.status)
        sent = connection.scalar(reminded) or 0
    channels = {channel for channel, _ in found} | {Channel.MAIL}
    statuses = {*DeliveryStatus} - {DeliveryStatus.DROPPED} | {status for _, status in found}
    for channel in sorted(channels):
        for status in sorted(statuses):
            by.add_metric([channel, status], found.get((channel, status), 0))
    yield by
    yield CounterMetricFamily("tuixuan_reminders_sent", "Reminders put into inboxes.", value=sent)
