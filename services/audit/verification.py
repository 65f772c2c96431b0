"""Verify the record and the audit against each other, without trusting either."""

from pathlib import Path

from sqlalchemy import Engine, Table, func, select

from models import tables
from models.audit.digest_line import last_closed_day
from models.audit.report import AuditReport
from models.store.engine import reading
from models.tables.audit import audit_record
from services.audit.chain_check import check_anchored_chain, check_digest_file, check_signatures
from services.audit.digest_file import DigestFile, first_recorded_at
from services.audit.entry_check import check_entries
from services.audit.event_check import check_cases


def verify(
    record_engine: Engine,
    audit_engine: Engine,
    anchor_path: Path,
    *,
    digests: DigestFile | None = None,
    patience_seconds: float = 5.0,
) -> AuditReport:
    """Check every case and every line of the audit; change nothing.

    The system may run meanwhile.

    Args:
        record_engine: The record.
        audit_engine: The audit's own store.
        anchor_path: The file of the anchors.
        digests: The file of the signed digests; None: they are not checked.
        patience_seconds: How long published events may take to be witnessed.
    """
    # Before the chain: whatever was signed, the chain holds.
    signed = [] if digests is None else digests.lines()
    problems = list(check_anchored_chain(audit_engine, anchor_path))
    problems += check_signatures(audit_engine, signed)
    if digests is not None:
        problems += check_digest_file(digests)
    problems += check_cases(record_engine, audit_engine, patience_seconds)
    problems += check_entries(record_engine, audit_engine)
    return AuditReport(
        ok=not problems,
        cases=_count(record_engine, tables.case_record),
        records=_count(audit_engine, audit_record),
        since=first_recorded_at(audit_engine),
        signed_until=last_closed_day(signed),
        problems=problems,
    )


def _count(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0
