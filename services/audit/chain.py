"""The audit's chain: one line an event or audit entry, each bound to all lines before it.

The chain shows what was changed inside it; the anchors show what was cut off or made anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, text

from models.audit.chain_line import EVENT, bound_part, line_hash
from models.chain import GENESIS
from models.store.engine import reading
from models.stream.incoming import IncomingEvent, in_turn
from models.tables.audit import audit_record
from services.audit.anchors import Anchor

ROWS_AT_ONCE = 1000

_chain = audit_record.c
_CASES = _chain.case_id.in_(bindparam("cases", expanding=True))
_NEWEST_EVENTS = (
    select(_chain.case_id, func.max(_chain.case_seq).label("newest"))
    .where(_CASES, _chain.case_seq.is_not(None))
    .group_by(_chain.case_id)
)
_CASE_HEADS = select(_chain.case_id, _chain.hash).where(
    _chain.n.in_(select(func.max(_chain.n)).where(_CASES).group_by(_chain.case_id))
)

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


class Appended(NamedTuple):
    """What came of some events.

    Attributes:
        anchor: The new head of the chain; None: it had them all.
        early: The events before which others of their case are missing; nothing was done
            with them.
    """

    anchor: Anchor | None
    early: list[IncomingEvent]


def append(connection: Connection, events: Sequence[IncomingEvent], at: datetime) -> Appended:
    """Append those events to the chain that it does not have.

    Args:
        connection: A transaction on the audit's store.
        events: In the order in which they came.
        at: This instant.
    """
    _one_at_a_time(connection)
    handled = _last_seqs(connection, {each.event.data.case_id for each in events})
    new, early = in_turn(events, handled)
    return Appended(_bind(connection, [_columns(each) for each in new], at), early)


def append_entries(
    connection: Connection, entries: Sequence[Mapping[Any, Any]], at: datetime
) -> Anchor | None:
    """Append audit entries to the chain; None where it has them all already.

    Args:
        connection: A transaction on the audit's store.
        entries: The entries' rows in the record (table `deed`).
        at: This instant.
    """
    _one_at_a_time(connection)
    asked = [entry["id"] for entry in entries]
    there = select(_chain.event_id).where(_chain.event_id.in_(asked))
    known = set(connection.scalars(there))
    new = [
        {"event_id": entry["id"], "kind": entry["kind"], "case_id": entry["case_id"],
         "case_seq": None, "stream_seq": None, "body": entry["body"]}
        for entry in entries
        if entry["id"] not in known
    ]  # fmt: skip
    return _bind(connection, new, at)


def last_seq(connection: Connection, case_id: str) -> int:
    """Return the seq of a case's newest event in the chain; 0 for none."""
    return _last_seqs(connection, {case_id}).get(case_id, 0)


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


def _columns(incoming: IncomingEvent) -> dict[str, Any]:
    event, body, place = incoming
    return {"event_id": event.id, "kind": EVENT, "case_id": event.data.case_id,
            "case_seq": event.data.seq, "stream_seq": place or None, "body": body}  # fmt: skip


def _bind(connection: Connection, rows: Sequence[Mapping[str, Any]], at: datetime) -> Anchor | None:
    """Write lines, each bound to the line before and to the one before of its case."""
    if not rows:
        return None
    head = read_head(connection)
    length, previous = (0, GENESIS) if head is None else (head.n, head.hash)
    of_case = _case_heads(connection, {row["case_id"] for row in rows if row["case_id"]})
    lines: list[dict[str, Any]] = []
    for n, row in enumerate(rows, start=length + 1):
        case_id = row["case_id"]
        line: dict[str, Any] = {
            **row,
            "n": n,
            "recorded_at": at,
            "previous_hash": previous,
            "case_previous_hash": None if case_id is None else of_case.get(case_id, GENESIS),
        }
        line["hash"] = previous = of_case[case_id] = line_hash(line)
        lines.append(line)
    connection.execute(insert(audit_record), lines)
    return Anchor(length + len(rows), previous, at)


def _last_seqs(connection: Connection, cases: Collection[str]) -> dict[str, int]:
    """Return the seq of the newest event of each case in the chain; none for a case without."""
    found = connection.execute(_NEWEST_EVENTS, {"cases": list(cases)})
    return {row.case_id: row.newest for row in found}


def _case_heads(connection: Connection, cases: Collection[str]) -> dict[str | None, str]:
    """Return the hash of the newest line of each case; none for a case without."""
    found = connection.execute(_CASE_HEADS, {"cases": list(cases)})
    return {row.case_id: row.hash for row in found}
