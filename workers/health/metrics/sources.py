"""What metrics are read from, and how one number becomes a metric."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Column, ColumnElement, Connection, Engine, func, select

from services.audit.anchors import AnchorHeight
from services.seasons.cache import SeasonCache
from workers.settings.worker import WorkerSettings


@dataclass(frozen=True)
class MetricSources:
    """The settings, the record, the audit's store, its anchors, and the parsed programmes."""

    settings: WorkerSettings
    record: Engine
    audit: Engine
    anchored: AnchorHeight
    cache: SeasonCache = field(default_factory=SeasonCache)


type Read = Callable[[MetricSources], Iterable[Metric]]
"""Reads one part of the metrics. The name of the function is the name of the part."""


def gauge(name: str, what: str, value: float) -> Metric:
    """Return a metric of one number."""
    return GaugeMetricFamily(f"tuixuan_{name}", what, value=value)


def counts(
    connection: Connection, *columns: Column[str], where: ColumnElement[bool] | None = None
) -> dict[tuple[str, ...], int]:
    """Return how many rows there are for each combination of values of these columns."""
    query = select(*columns, func.count()).group_by(*columns)
    if where is not None:
        query = query.where(where)
    return {tuple(values): count for *values, count in connection.execute(query)}
