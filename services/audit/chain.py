"""The audit's chain: one line an event or audit entry, each bound to all lines before it.

The chain shows what was changed inside it; the anchors show what was cut off or made anew.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text

from models.audit.chain_line import EVENT, bound_part, line_hash
from models.cases.events import CaseEvent
from models.chain import GENESIS
from models.store.engine import reading
from models.tables.audit import audit_record
from services.audit.anchors import Anchor

ROWS_AT_ONCE = 1000

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('tuixuan.audit'))")


def chain_lines(engine: Engine) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each line of the chain as `check_chain` takes it, and its text."""
    query = (
        select(audit_record).order_by(audit_record.c.n).execution_options(yield_per=ROWS_AT_ONCE)
    )
    with reading(engine) as connection:
        for row in connection.execute(query).mappings():
            line = {"bound": bound_part(row), "previous_hash": row["previous_hash"],
                    "hash": row["hash"]}  # fmt: skip
            yield line, row["body"]


def append(
    connection: Connection, event: CaseEvent, body: str, stream_seq: int, at: datetime
) -> Anchor | None:
    """Append an event to the chain; None where the chain has it already.

    Args:
        connection: A transaction on the audit's store.
        event: The event.
        body: Its exact text.
        stream_seq: Its place in the stream; 0 where the text came from the record.
        at: This instant.
    """
    _one_at_a_time(connection)
    if event.data.seq <= last_seq(connection, event.data.case_id):
        return None
    columns = {"event_id": event.id, "kind": EVENT, "case_id": event.data.case_id,
               "case_seq": event.data.seq, "stream_seq": stream_seq or None,
               "body": body}  # fmt: skip
    return _bind(connection, columns, at)


def append_entry(connection: Connection, entry: Mapping[Any, Any], at: datetime) -> Anchor | None:
    """Append an audit entry to the chain; None where the chain has it already.

    Args:
        connection: A transaction on the audit's store.
        entry: The entry's row in the record (table `deed`).
        at: This instant.
    """
    _one_at_a_time(connection)
    there = select(audit_record.c.n).where(audit_record.c.event_id == entry["id"])
    if connection.scalar(there) is not None:
        return None
    columns = {"event_id": entry["id"], "kind": entry["kind"], "case_id": entry["case_id"],
               "case_seq": None, "stream_seq": None, "body": entry["body"]}  # fmt: skip
    return _bind(connection, columns, at)


def last_seq(connection: Connection, case_id: str) -> int:
    """Return the seq of a case's newest event in the chain; 0 for none."""
    newest = (
        select(audit_record.c.case_seq)
        .where(audit_record.c.case_id == case_id, audit_record.c.case_seq.is_not(None))
        .order_by(audit_record.c.case_seq.desc())
        .limit(1)
    )
    return connection.scalar(newest) or 0


def read_head(connection: Connection) -> Anchor | None:
    """Return the newest line of the chain; None for an empty one."""
    newest = select(audit_record.c.n, audit_record.c.hash, audit_record.c.recorded_at).order_by(
        audit_record.c.n.desc()
    )
    found = connection.execute(newest.limit(1)).one_or_none()
    return None if found is None else Anchor(*found)


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(_ONE_AT_A_TIME)


def _bind(connection: Connection, columns: Mapping[str, Any], at: datetime) -> Anchor:
    """Write a line, bound to the line before and to the one before of its case."""
    head = read_head(connection)
    line: dict[str, Any] = {
        **columns,
        "n": 1 if head is None else head.n + 1,
        "recorded_at": at,
        "previous_hash": GENESIS if head is None else head.hash,
        "case_previous_hash": _case_head(connection, columns["case_id"]),
    }
    line["hash"] = line_hash(line)
    connection.execute(insert(audit_record), line)
    return Anchor(line["n"], line["hash"], at)


def _case_head(connection: Connection, case_id: str | None) -> str | None:
    if case_id is None:
        return None
    newest = (
        select(audit_record.c.hash)
        .where(audit_record.c.case_id == case_id)
        .order_by(audit_record.c.n.desc())
    )
    return connection.scalar(newest.limit(1)) or GENESIS
