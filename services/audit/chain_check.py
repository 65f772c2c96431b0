"""Check the audit's chain against its anchors and against the signed digests."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from models.audit.chain_check import check_chain
from models.audit.digest_check import check_digests
from models.audit.digest_line import Line
from models.audit.report import Problem
from models.store.engine import reading
from models.tables.audit import audit_record
from services.audit.anchors import AnchorFile
from services.audit.chain import ROWS_AT_ONCE, chain_lines
from services.audit.digest_file import DigestFile


def check_anchored_chain(engine: Engine, anchor_path: Path) -> Iterator[Problem]:
    """Compute the chain anew, and compare it with the anchors."""
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

    yield from check_chain(lines())
    for n in rewritten:
        message = f"审计记录第 {n} 条的哈希与当时的锚点不同：审计链被重写"
        yield Problem(kind="rewritten", where=f"anchor:{n}", message=message)
    yield from _check_length(length, max(anchors, default=0))


def check_signatures(engine: Engine, lines: Sequence[Line]) -> Iterator[Problem]:
    """Check the signed digests, and the chain against them."""
    if lines:
        yield from check_digests(lines, _read_hashes(engine, lines))


def check_digest_file(digests: DigestFile) -> Iterator[Problem]:
    """Check that the digest file is there, and of the key at hand."""
    if digests.lost is not None:
        message = f"签名摘要文件 {digests.lost} 丢失或残缺，而签名密钥仍在：请放回另存的副本"
        yield Problem(kind="digest_missing", where="digest", message=message)
    elif digests.by_another:
        message = "签名摘要文件的公钥与现用的签名密钥不符：文件被换过，或密钥被换过"
        yield Problem(kind="rewritten", where="digest", message=message)


def _check_length(length: int, anchored: int) -> Iterator[Problem]:
    if anchored > length:
        message = f"锚点已到第 {anchored} 条，审计记录止于第 {length} 条：末尾被截去"
        yield Problem(kind="cut_tail", where=f"anchor:{anchored}", message=message)
    if length and not anchored:
        message = f"审计记录有 {length} 条，却没有任何锚点：锚点文件丢失"
        yield Problem(kind="anchor_missing", where="anchor", message=message)


def _read_anchors(path: Path) -> tuple[dict[int, set[str]], int]:
    """Return the hashes that were anchored at each place, and how many lines are unreadable."""
    anchors: dict[int, set[str]] = defaultdict(set)
    unreadable = 0
    for anchor in AnchorFile(path).read():
        if anchor is None:
            unreadable += 1
        else:
            anchors[anchor[0]].add(anchor[1])
    return anchors, unreadable


def _read_hashes(engine: Engine, lines: Sequence[Line]) -> dict[int, str]:
    """Return the hash of each line that a digest names, and of the chain's last."""
    named = [line["n"] for line in lines if isinstance(line.get("n"), int)]
    columns = audit_record.c
    with reading(engine) as connection:
        last = connection.scalar(select(func.max(columns.n))) or 0
        hashes = {last: ""} if last else {}
        for part in batched([*named, last], ROWS_AT_ONCE):
            found = connection.execute(select(columns.n, columns.hash).where(columns.n.in_(part)))
            hashes |= {row.n: row.hash for row in found}
    return hashes
