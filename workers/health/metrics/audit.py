"""Metrics of the audit: the length of its chain, its anchors, its signatures."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import Metric
from sqlalchemy import func, select

from models.store.engine import reading
from models.tables import AuditEntryRow, table_of
from models.tables.audit import AuditChainRow
from services.audit.digest_file import DigestFile
from workers.health.metrics.sources import MetricSources, gauge

_CHAIN, _ENTRIES = table_of(AuditChainRow).c, table_of(AuditEntryRow).c


def chain(sources: MetricSources) -> Iterator[Metric]:
    """Report how long the chain is, how far it is anchored and signed, and what waits for it."""
    with reading(sources.record) as connection:
        query = select(func.count()).where(_ENTRIES.witnessed_at.is_(None))
        waiting = connection.scalar(query) or 0
    yield gauge("audit_deeds_waiting", "Deeds that the audit has not got yet.", waiting)
    with reading(sources.audit) as connection:
        height = connection.scalar(select(func.max(_CHAIN.n))) or 0
    yield gauge("audit_chain_height", "Records in the audit's chain.", height)
    yield gauge("audit_anchor_height", "The newest anchored record.", sources.anchored.read())
    places, key = sources.settings.places, sources.settings.audit.signing_key
    signed = DigestFile(places.audit_digests, places.audit_key, key)
    late = signed.unsigned_seconds(sources.audit, datetime.now(UTC))
    yield gauge("audit_unsigned_seconds", "How long an ended day has no signed digest.", late)
