"""Check that the audit and the record say the same of every audit entry."""

from collections.abc import Iterator

from sqlalchemy import Engine, select

from models import tables
from models.audit.chain_line import EVENT
from models.audit.report import Problem
from models.store.engine import reading
from models.tables.audit import audit_record
from services.audit.chain import ROWS_AT_ONCE


def check_entries(record: Engine, audit: Engine) -> Iterator[Problem]:
    """Compare the entries on record with those that the audit witnessed."""
    # The audit before the record: whatever it holds, the record has held before.
    witnessed = _read_witnessed(audit)
    missing: list[str] = []
    for entry_id, body, noted in _read_entries(record):
        seen = witnessed.pop(entry_id, None)
        if seen is None and noted:
            missing.append(entry_id)
        elif seen not in (None, body):
            yield Problem(kind="differs", where=entry_id, message="记录中的行为与审计所见不同")
    for entry_id in sorted(witnessed):
        message = "审计有此行为（查看、修改或清除），记录中没有：记录被删除，或是伪造的"
        yield Problem(kind="not_in_record", where=entry_id, message=message)
    if missing:  # some were witnessed since the audit was read
        there = _read_witnessed(audit)
        for entry_id in missing:
            if entry_id not in there:
                message = "已交审计的行为没有审计记录"
                yield Problem(kind="not_audited", where=entry_id, message=message)


def _read_witnessed(audit: Engine) -> dict[str, str]:
    """Return the text of each entry in the audit, by id."""
    columns = audit_record.c
    query = select(columns.event_id, columns.body).where(columns.kind != EVENT)
    with reading(audit) as connection:
        return {row.event_id: row.body for row in connection.execute(query)}


def _read_entries(record: Engine) -> Iterator[tuple[str, str, bool]]:
    """Yield id and text of each entry on record, and whether it is marked as witnessed."""
    columns = tables.deed.c
    query = select(columns.id, columns.body, columns.witnessed_at).order_by(columns.id)
    with reading(record) as connection:
        for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
            yield row.id, row.body, row.witnessed_at is not None
