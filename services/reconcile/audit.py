"""Compare cases with what the audit witnessed of them."""

from collections.abc import Collection, Mapping

from sqlalchemy import Engine, select

from models.store.engine import reading
from models.tables.audit import audit_record
from services.reconcile.cases import RecordedCase
from services.reconcile.differences import Difference, difference


def read_witnessed(audit: Engine) -> Mapping[str, Collection[int]]:
    """Return the seqs of each case that the audit witnessed."""
    witnessed: dict[str, set[int]] = {}
    columns = audit_record.c
    query = select(columns.case_id, columns.case_seq).where(columns.case_seq.is_not(None))
    with reading(audit) as connection:
        for row in connection.execute(query):
            witnessed.setdefault(row.case_id, set()).add(row.case_seq)
    return witnessed


def compare_audit(case: RecordedCase, witnessed: Collection[int]) -> list[Difference]:
    """Return where the audit is ahead of a case, lacks a step in between, or is behind."""
    found = []
    if beyond := sorted(set(witnessed) - set(range(1, case.seq + 1))):
        found.append(difference("audit_ahead", case.id, f"审计库多出第 {beyond} 步"))
    lost = sorted(case.published - set(witnessed))
    if lost and lost[0] < max(witnessed, default=0):
        what = f"审计库中间缺少第 {lost} 步，请执行 tuixuan audit verify"
        found.append(difference("audit_gap", case.id, what))
    elif lost:
        # The audit worker takes what it lacks from the stream or from the record by itself.
        found.append(difference("audit_behind", case.id, f"审计尚未收到第 {lost} 步"))
    return found


def unknown_cases(
    cases: Collection[RecordedCase], witnessed: Mapping[str, Collection[int]]
) -> list[Difference]:
    """Return cases that the audit knows and the record does not."""
    unknown = sorted(set(witnessed) - {case.id for case in cases})
    return [difference("audit_ahead", each, "审计库有此案例，记录中没有") for each in unknown]
