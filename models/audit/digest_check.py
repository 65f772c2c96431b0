"""Check the signed lines of the digest file, and the audit's chain against them.

`services/audit/archive_verifier.py` does the same by itself, as it ships alone; a test holds
both equal.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.audit.report import Problem
from models.audit.signatures import key_id, signature_ok, signed_bytes
from models.chain import GENESIS, digest

type Line = Mapping[str, Any]


def check_digests(lines: Iterable[Line], hashes: Mapping[int, str]) -> Iterator[Problem]:
    """Check signatures, the chain of the digests, and the audit's chain against them.

    Args:
        lines: The lines of the digest file, in their order.
        hashes: The hash of each line of the audit's chain that a digest names, and of its last.
    """
    previous, covered, last = GENESIS, 0, max(hashes, default=0)
    key: bytes | None = None
    for place, line in enumerate(lines, start=1):
        where = f"digest:{line.get('day', place)}"
        try:
            signature = bytes.fromhex(line["signature"])
            new_key = bytes.fromhex(line["public_key"]) if line["kind"] == "key" else None
            key = key or new_key  # the first key signs the line that announces it
            good = key is not None and _is_signed(line, key, signature)
            if line["previous"] != previous:
                yield _rewritten(where, f"每日摘要第 {place} 行与上一行不衔接")
            if not good:
                yield _rewritten(where, f"每日摘要第 {place} 行的签名不符")
            if new_key is not None:
                key = new_key
            else:
                yield from _check_head(line, where, hashes, last)
                yield from _check_count(line, where, covered)
                covered = line["n"]
        except (KeyError, TypeError, ValueError):
            message = f"每日摘要第 {place} 行无法读取"
            yield Problem(kind="digest_unreadable", where=where, message=message)
        previous = digest(line)


def _is_signed(line: Line, key: bytes, signature: bytes) -> bool:
    return bool(line["key"] == key_id(key)) and signature_ok(key, signed_bytes(line), signature)


def _check_head(line: Line, where: str, hashes: Mapping[int, str], last: int) -> Iterator[Problem]:
    n = line["n"]
    if n > last:
        message = f"签名摘要已到第 {n} 条，审计记录止于第 {last} 条：末尾被截去"
        yield Problem(kind="cut_tail", where=where, message=message)
    elif n and hashes.get(n, line["head"]) != line["head"]:
        yield _rewritten(where, f"审计记录第 {n} 条的哈希与签名摘要不同：审计链被重写")


def _check_count(line: Line, where: str, covered: int) -> Iterator[Problem]:
    if line["count"] != line["n"] - covered:
        yield _rewritten(where, "签名摘要的条数与其范围不符")


def _rewritten(where: str, message: str) -> Problem:
    return Problem(kind="rewritten", where=where, message=message)
