"""The audit's chain: a line an event or deed, each bound to all before, and anchors outside.

The chain shows what was changed inside. An anchor is the newest hash, written to a file
beside the database after each commit; it shows a tail that was cut off, or a chain that
was made anew. Whoever copies the file elsewhere can check against everybody.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, insert, select, text

from models.cases.events import CaseEvent
from models.chain import GENESIS, chain_hash, digest_text
from models.store.engine import reading
from models.tables import table_of
from models.tables.audit import AuditChainRow

RECORDS = table_of(AuditChainRow)
EVENT = "event"
ROWS_AT_ONCE = 1000
HASHED = ("n", "event_id", "case_id", "case_seq", "stream_seq")
"""The columns under the hash as they are; of the body its digest, of the time its text."""

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('tuixuan.audit'))")


class Anchor(NamedTuple):
    """The head of the chain at one moment."""

    n: int
    hash: str
    at: datetime


def record_hash(record: Mapping[str, Any]) -> str:
    """Return the hash that binds a line of the audit to the line before."""
    return chain_hash(record["previous_hash"], bound_record(record))


def bound_record(record: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what of a line of the audit is under its hash."""
    at: datetime = record["recorded_at"]
    bound = {name: record[name] for name in HASHED}
    bound["body"] = digest_text(record["body"])
    bound["recorded_at"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    if record["kind"] != EVENT:
        bound["kind"] = record["kind"]
    if record["case_previous_hash"] is not None:  # lines older than this chain have none
        bound["case_previous_hash"] = record["case_previous_hash"]
    return bound


def chain_lines(engine: Engine) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each line of the audit as the inspector reads it, and its text."""
    query = select(RECORDS).order_by(RECORDS.c.n).execution_options(yield_per=ROWS_AT_ONCE)
    with reading(engine) as connection:
        for row in connection.execute(query).mappings():
            line = {"bound": bound_record(row), "previous_hash": row["previous_hash"],
                    "hash": row["hash"]}  # fmt: skip
            yield line, row["body"]


def append(
    connection: Connection, event: CaseEvent, body: str, stream_seq: int, at: datetime
) -> Anchor | None:
    """Append an event to the chain; None where it is in the chain already.

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
    said = {"event_id": event.id, "kind": EVENT, "case_id": event.data.case_id,
            "case_seq": event.data.seq, "stream_seq": stream_seq or None,
            "body": body}  # fmt: skip
    return _bind(connection, said, at)


def append_entry(connection: Connection, entry: Mapping[Any, Any], at: datetime) -> Anchor | None:
    """Append a deed, a row of the record's `deed`; None where it is in the chain already."""
    _one_at_a_time(connection)
    there = select(RECORDS.c.n).where(RECORDS.c.event_id == entry["id"])
    if connection.scalar(there) is not None:
        return None
    said = {"event_id": entry["id"], "kind": entry["kind"], "case_id": entry["case_id"],
            "case_seq": None, "stream_seq": None, "body": entry["body"]}  # fmt: skip
    return _bind(connection, said, at)


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(_ONE_AT_A_TIME)


def _bind(connection: Connection, said: Mapping[str, Any], at: datetime) -> Anchor:
    """Write a line, bound to the line before and to the one before of its case."""
    head = read_head(connection)
    record: dict[str, Any] = {
        **said,
        "n": 1 if head is None else head.n + 1,
        "recorded_at": at,
        "previous_hash": GENESIS if head is None else head.hash,
        "case_previous_hash": _case_head(connection, said["case_id"]),
    }
    record["hash"] = record_hash(record)
    connection.execute(insert(RECORDS), record)
    return Anchor(record["n"], record["hash"], at)


def _case_head(connection: Connection, case_id: str | None) -> str | None:
    if case_id is None:
        return None
    columns = RECORDS.c
    newest = select(columns.hash).where(columns.case_id == case_id).order_by(columns.n.desc())
    return connection.scalar(newest.limit(1)) or GENESIS


def last_seq(connection: Connection, case_id: str) -> int:
    """Return the newest event of a case in the chain; 0 for none."""
    newest = (
        select(RECORDS.c.case_seq)
        .where(RECORDS.c.case_id == case_id, RECORDS.c.case_seq.is_not(None))
        .order_by(RECORDS.c.case_seq.desc())
        .limit(1)
    )
    return connection.scalar(newest) or 0


def read_head(connection: Connection) -> Anchor | None:
    """Return the newest line of the chain; None for an empty one."""
    columns = RECORDS.c
    newest = select(columns.n, columns.hash, columns.recorded_at).order_by(columns.n.desc())
    found = connection.execute(newest.limit(1)).one_or_none()
    return None if found is None else Anchor(*found)


class AnchorFile:
    """The anchors, one line of JSON each; only ever appended to."""

    def __init__(self, path: Path) -> None:
        """Take the file's place; it need not be there yet."""
        self._path = path

    def append(self, anchor: Anchor) -> None:
        """Write an anchor; it is on the disk when this returns."""
        line = json.dumps({"n": anchor.n, "hash": anchor.hash, "at": anchor.at.isoformat()})
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def mend(self) -> None:
        """Take off a last line that a crash left unfinished: it never promised anything."""
        if not self._path.exists():
            return
        with self._path.open("rb+") as file:
            text_so_far = file.read()
            file.truncate(text_so_far.rfind(b"\n") + 1)

    def read(self) -> Iterator[tuple[int, str] | None]:
        """Yield place and hash of each anchor; None for a line that is none."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                anchor = _anchor(line)
                if anchor is not None or line.endswith("\n"):
                    yield anchor


class AnchorHeight:
    """The newest place that was ever anchored; each look reads what came since the last."""

    def __init__(self, path: Path) -> None:
        """Take the file's place; it need not be there yet."""
        self._path, self._read, self._height = path, 0, 0

    def look(self) -> int:
        """Return it; 0 for none. A file that became shorter is read anew."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._read:
            self._read = self._height = 0
        if size > self._read:
            with self._path.open("rb") as file:
                file.seek(self._read)
                lines = file.read().rpartition(b"\n")[0].split(b"\n")
            anchors = [_anchor(line.decode(errors="replace")) for line in lines]
            self._height = max([self._height, *(each[0] for each in anchors if each)])
            self._read += sum(len(line) + 1 for line in lines) if any(lines) else 0
        return self._height


def _anchor(line: str) -> tuple[int, str] | None:
    try:
        anchor = json.loads(line)
        return int(anchor["n"]), str(anchor["hash"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
