"""Check the lines of the audit's chain.

`services/audit/archive_verifier.py` does the same by itself, as it ships alone; a test holds
both equal.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.audit.report import Problem
from models.chain import GENESIS, chain_hash, digest_text


def check_chain(lines: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """Check each line against its hash, the line before it, and the one before of its case.

    Args:
        lines: `bound`, `previous_hash` and `hash` of each line, in their order; `body` where
            its text is to be checked too.
    """
    n, previous, case_heads = 0, GENESIS, dict[str, str]()
    first: str | None = GENESIS
    for line in lines:
        bound, n_before = line["bound"], n
        n, case_id = bound["n"], bound["case_id"]
        if n != n_before + 1:
            yield _problem("missing", n, f"审计记录缺少第 {n_before + 1} 至 {n - 1} 条")
            case_heads, first = {}, None  # nobody knows of which cases the lost lines were
        elif line["previous_hash"] != previous:
            yield _problem("changed", n, f"审计记录第 {n} 条与上一条不衔接")
        yield from _check_hashes(line)
        expected = case_heads.get(case_id, first)
        if expected not in (None, bound.get("case_previous_hash", expected)):
            yield _problem("changed", n, f"审计记录第 {n} 条与该案例的上一条不衔接")
        previous = line["hash"]
        if case_id is not None:
            case_heads[case_id] = previous


def _check_hashes(line: Mapping[str, Any]) -> Iterator[Problem]:
    bound = line["bound"]
    n = bound["n"]
    if chain_hash(line["previous_hash"], bound) != line["hash"]:
        yield _problem("changed", n, f"审计记录第 {n} 条的内容与其哈希不符")
    if "body" in line and digest_text(line["body"]) != bound["body"]:
        yield _problem("changed", n, f"审计记录第 {n} 条的正文与其摘要不符")


def _problem(kind: str, n: int, message: str) -> Problem:
    return Problem(kind=kind, where=f"audit:{n}", message=message)
