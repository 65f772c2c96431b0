"""Verify the record and its witness against each other, without trusting either."""

import time
from collections.abc import Iterator, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, func, select, tuple_

from models.ids import event_id
from models.store.engine import reading
from models.tables import CaseRecord, table_of
from services.audit.archive_verifier import check_chain, check_digests
from services.audit.cases import CaseFile, check_case, read_cases
from services.audit.chain import EVENT, RECORDS, ROWS_AT_ONCE, AnchorFile, chain_lines
from services.audit.entry_check import check_entries
from services.audit.report import AuditReport, Problem
from services.audit.signing import DigestFile, signature_ok

CASES_AT_ONCE = 100
LOOK_AGAIN_SECONDS = 0.05

_CASES = table_of(CaseRecord)

type Place = tuple[str, int]


def verify(
    record_engine: Engine,
    audit_engine: Engine,
    anchor_path: Path,
    *,
    digests: DigestFile | None = None,
    patience_seconds: float = 5.0,
) -> AuditReport:
    """Look at every case and every line of the audit; change nothing.

    The system may run meanwhile.

    Args:
        record_engine: The record.
        audit_engine: The audit's own store.
        anchor_path: The file of the anchors.
        digests: The file of the signed digests; None: they are not looked at.
        patience_seconds: How long events that are published may take to be witnessed.
    """
    # Before the chain: whatever was signed, the chain holds.
    signed = [] if digests is None else digests.lines()
    problems = list(_chain(audit_engine, anchor_path))
    problems += _digests(audit_engine, signed)
    if digests is not None and digests.lost is not None:
        message = f"签名摘要文件 {digests.lost} 丢失或残缺，而签名密钥仍在：请放回另存的副本"
        problems.append(Problem(kind="digest_missing", where="digest", message=message))
    elif digests is not None and digests.by_another:
        message = "签名摘要文件的公钥与现用的签名密钥不符：文件被换过，或密钥被换过"
        problems.append(Problem(kind="rewritten", where="digest", message=message))
    missing: list[Place] = []
    for case_ids in batched(_case_ids(record_engine, audit_engine), CASES_AT_ONCE):
        problems += _cases(record_engine, audit_engine, case_ids, missing)
    problems += [
        Problem(kind="not_audited", where=event_id(*place), message="已发布的事件没有审计记录")
        for place in _still_missing(audit_engine, missing, patience_seconds)
    ]
    problems += check_entries(record_engine, audit_engine)
    return AuditReport(
        ok=not problems,
        cases=_count(record_engine, _CASES),
        records=_count(audit_engine, RECORDS),
        problems=problems,
    )


def _chain(engine: Engine, anchor_path: Path) -> Iterator[Problem]:
    """Compute the chain anew, and hold it against the anchors."""
    anchors, unreadable = _read_anchors(anchor_path)
    if unreadable:
        message = f"锚点文件有 {unreadable} 行无法读取"
        yield Problem(kind="anchor_unreadable", where="anchor", message=message)
    rewritten: list[int] = []
    length = 0

    def lines() -> Iterator[dict[str, Any]]:
        nonlocal length
        for line, _ in chain_lines(engine):
            length = line["bound"]["n"]
            if not anchors.get(length, set()) <= {line["hash"]}:
                rewritten.append(length)
            yield line

    for kind, where, message in check_chain(lines()):
        yield Problem(kind=kind, where=where, message=message)
    for n in rewritten:
        message = f"审计记录第 {n} 条的哈希与当时的锚点不同：审计链被重写"
        yield Problem(kind="rewritten", where=f"anchor:{n}", message=message)
    yield from _tail(length, max(anchors, default=0))


def _digests(engine: Engine, lines: list[dict[str, Any]]) -> Iterator[Problem]:
    """Check the signed digests, and the audit against them."""
    if not lines:
        return
    with reading(engine) as connection:
        named = [line["n"] for line in lines if isinstance(line.get("n"), int)]
        columns = RECORDS.c
        newest = connection.scalar(select(func.max(columns.n))) or 0
        hashes = {newest: ""} if newest else {}
        for part in batched([*named, newest], ROWS_AT_ONCE):
            found = connection.execute(select(columns.n, columns.hash).where(columns.n.in_(part)))
            hashes |= {row.n: row.hash for row in found}
    for kind, where, message in check_digests(lines, hashes, signature_ok):
        yield Problem(kind=kind, where=where, message=message)


def _tail(length: int, anchored: int) -> Iterator[Problem]:
    if anchored > length:
        message = f"锚点已到第 {anchored} 条，审计记录止于第 {length} 条：末尾被截去"
        yield Problem(kind="cut_tail", where=f"anchor:{anchored}", message=message)
    if length and not anchored:
        message = f"审计记录有 {length} 条，却没有任何锚点：锚点文件丢失"
        yield Problem(kind="anchor_missing", where="anchor", message=message)


def _read_anchors(path: Path) -> tuple[dict[int, set[str]], int]:
    anchors: dict[int, set[str]] = {}
    unreadable = 0
    for anchor in AnchorFile(path).read():
        if anchor is None:
            unreadable += 1
        else:
            anchors.setdefault(anchor[0], set()).add(anchor[1])
    return anchors, unreadable


def _case_ids(record_engine: Engine, audit_engine: Engine) -> list[str]:
    """Return every case that either store knows."""
    with reading(audit_engine) as connection:
        ids = set(
            connection.scalars(select(RECORDS.c.case_id).distinct().where(RECORDS.c.kind == EVENT))
        )
    with reading(record_engine) as connection:
        ids |= set(connection.scalars(select(_CASES.c.id)))
    return sorted(ids)


def _cases(
    record_engine: Engine, audit_engine: Engine, case_ids: Sequence[str], missing: list[Place]
) -> Iterator[Problem]:
    """Check some cases; note in `missing` what is published and was not witnessed.

    The audit is read before the record: whatever it holds, the record has held before.
    """
    with reading(audit_engine) as connection:
        columns = RECORDS.c
        rows = connection.execute(
            select(columns.case_id, columns.case_seq, columns.body).where(
                columns.case_id.in_(case_ids), columns.kind == EVENT
            )
        )
        witnessed: dict[Place, str] = {(row.case_id, row.case_seq): row.body for row in rows}
    with reading(record_engine) as connection:
        files = read_cases(connection, case_ids)
    for file in files.values():
        yield from check_case(file)
        yield from _witness(file, witnessed, missing)
    for place in sorted(witnessed):
        message = "审计有此事件，记录中没有：记录被删除，或事件是伪造的"
        yield Problem(kind="not_in_record", where=event_id(*place), message=message)


def _witness(
    file: CaseFile, witnessed: dict[Place, str], missing: list[Place]
) -> Iterator[Problem]:
    """Compare a case's events with what was witnessed of them, and take those away."""
    for seq, event in file.events.items():
        place = (file.case["id"], seq)
        body = witnessed.pop(place, None)
        if body is None and event["published_at"] is not None:
            missing.append(place)
        elif body not in (None, event["body"]):
            message = "记录中的事件与审计所见不同"
            yield Problem(kind="differs", where=event_id(*place), message=message)


def _still_missing(engine: Engine, missing: list[Place], patience_seconds: float) -> list[Place]:
    """Wait for the audit worker; return what it has not got by then."""
    until = time.monotonic() + patience_seconds
    while missing:
        missing = [place for part in batched(missing, 200)
                   for place in _absent(engine, part)]  # fmt: skip
        if not missing or time.monotonic() >= until:
            break
        time.sleep(LOOK_AGAIN_SECONDS)
    return missing


def _absent(engine: Engine, places: Sequence[Place]) -> list[Place]:
    columns = RECORDS.c
    query = select(columns.case_id, columns.case_seq).where(
        tuple_(columns.case_id, columns.case_seq).in_(places)
    )
    with reading(engine) as connection:
        there = {(row.case_id, row.case_seq) for row in connection.execute(query)}
    return [place for place in places if place not in there]


def _count(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0
