"""Check every case, and that the audit witnessed each of its published events."""

import time
from collections.abc import Iterator, Sequence
from itertools import batched

from sqlalchemy import Engine, select

from models import tables
from models.audit.chain_line import EVENT
from models.audit.report import Problem
from models.ids import EventKey, event_id
from models.store.engine import reading
from models.store.keys import has_key
from models.tables.audit import audit_record
from services.audit.case_check import check_case
from services.audit.case_file import CaseFile, read_cases

CASES_AT_ONCE = 100
EVENTS_AT_ONCE = 200
RETRY_SECONDS = 0.05


def check_cases(record: Engine, audit: Engine, patience_seconds: float) -> Iterator[Problem]:
    """Check every case that either store knows.

    Args:
        record: The record.
        audit: The audit's own store.
        patience_seconds: How long published events may take to be witnessed.
    """
    missing: list[EventKey] = []
    for case_ids in batched(_case_ids(record, audit), CASES_AT_ONCE):
        yield from _check_some(record, audit, case_ids, missing)
    for key in _still_missing(audit, missing, patience_seconds):
        message = "已发布的事件没有审计记录"
        yield Problem(kind="not_audited", where=event_id(*key), message=message)


def _case_ids(record: Engine, audit: Engine) -> list[str]:
    witnessed = select(audit_record.c.case_id).distinct().where(audit_record.c.kind == EVENT)
    with reading(audit) as connection:
        ids = set(connection.scalars(witnessed))
    with reading(record) as connection:
        ids |= set(connection.scalars(select(tables.case_record.c.id)))
    return sorted(ids)


def _check_some(
    record: Engine, audit: Engine, case_ids: Sequence[str], missing: list[EventKey]
) -> Iterator[Problem]:
    """Check some cases; add to `missing` what is published and not witnessed."""
    # The audit before the record: whatever it holds, the record has held before.
    witnessed = _read_witnessed(audit, case_ids)
    with reading(record) as connection:
        files = read_cases(connection, case_ids)
    for file in files.values():
        yield from check_case(file)
        yield from _compare_events(file, witnessed, missing)
    for key in sorted(witnessed):
        message = "审计有此事件，记录中没有：记录被删除，或事件是伪造的"
        yield Problem(kind="not_in_record", where=event_id(*key), message=message)


def _read_witnessed(audit: Engine, case_ids: Sequence[str]) -> dict[EventKey, str]:
    """Return the text of each event of some cases as the audit has it."""
    columns = audit_record.c
    query = select(columns.case_id, columns.case_seq, columns.body).where(
        columns.case_id.in_(case_ids), columns.kind == EVENT
    )
    with reading(audit) as connection:
        rows = connection.execute(query)
        return {EventKey(row.case_id, row.case_seq): row.body for row in rows}


def _compare_events(
    file: CaseFile, witnessed: dict[EventKey, str], missing: list[EventKey]
) -> Iterator[Problem]:
    """Compare a case's events with what was witnessed of them, and remove those there."""
    for seq, event in file.events.items():
        key = EventKey(file.case["id"], seq)
        body = witnessed.pop(key, None)
        if body is None and event["published_at"] is not None:
            missing.append(key)
        elif body not in (None, event["body"]):
            message = "记录中的事件与审计所见不同"
            yield Problem(kind="differs", where=event_id(*key), message=message)


def _still_missing(
    audit: Engine, missing: list[EventKey], patience_seconds: float
) -> list[EventKey]:
    """Wait for the audit worker; return what it has not witnessed by then."""
    until = time.monotonic() + patience_seconds
    while missing:
        parts = batched(missing, EVENTS_AT_ONCE)
        missing = [key for part in parts for key in _not_witnessed(audit, part)]
        if not missing or time.monotonic() >= until:
            break
        time.sleep(RETRY_SECONDS)
    return missing


def _not_witnessed(audit: Engine, keys: Sequence[EventKey]) -> list[EventKey]:
    columns = audit_record.c
    query = select(columns.case_id, columns.case_seq).where(
        has_key(columns.case_id, columns.case_seq, keys)
    )
    with reading(audit) as connection:
        there = {EventKey(row.case_id, row.case_seq) for row in connection.execute(query)}
    return [key for key in keys if key not in there]
