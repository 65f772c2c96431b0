"""Each check of the exported verifier finds what it is for, where all other checks are content."""

from typing import Any

import pytest

from services.audit.archive_verifier import (
    GENESIS,
    Line,
    check_chain,
    check_digests,
    digest,
    key_id,
)


def chain(*cases: str | None, **last: object) -> list[Line]:
    """Return a chain whose lines are of these cases; `last` goes into the last line."""
    lines: list[Line] = []
    heads: dict[str, str] = {}
    for n, case in enumerate(cases, start=1):
        bound: dict[str, Any] = {"n": n, "case_id": case, "body": digest(n)}
        if case is not None:
            bound["case_previous_hash"] = heads.get(case, GENESIS)
        if n == len(cases):
            bound |= last
        previous = lines[-1]["hash"] if lines else GENESIS
        hashed = digest({"previous": previous, "record": bound})
        lines.append({"bound": bound, "previous_hash": previous, "hash": hashed})
        if case is not None:
            heads[case] = hashed
    return lines


def test_a_chain_as_it_is_written_is_fine() -> None:
    assert list(check_chain(chain("a", "b", None, "a", "b", "a"))) == []


@pytest.mark.parametrize("link", [GENESIS, digest("elsewhere")])
def test_a_line_that_leaves_out_the_one_before_of_its_case_is_found(link: str) -> None:
    """Whoever can write lines made the chain over all fit."""
    forged = chain("a", "b", "a", case_previous_hash=link)
    assert [(kind, where) for kind, where, _ in check_chain(forged)] == [("changed", "audit:3")]


def test_after_a_gap_nobody_knows_the_line_before_of_a_case() -> None:
    lines = chain("a", "a", "a", "b")
    del lines[1]
    assert [kind for kind, _, _ in check_chain(lines)] == ["missing"]


@pytest.mark.parametrize(("count", "kinds"), [(2, []), (1, ["rewritten"]), (3, ["rewritten"])])
def test_a_digest_says_how_many_lines_it_covers(count: int, kinds: list[str]) -> None:
    lines = chain("a", "b")
    key: Line = {"kind": "key", "public_key": "00", "previous": GENESIS}
    signed: Line = {
        "kind": "digest", "n": 2, "head": lines[1]["hash"], "count": count,
        "previous": "", "signature": "",
    }  # fmt: skip
    key |= {"key": key_id(bytes(1)), "signature": ""}
    signed |= {"key": key_id(bytes(1)), "previous": digest(key)}
    hashes = {line["bound"]["n"]: line["hash"] for line in lines}
    found = check_digests([key, signed], hashes, lambda *_: True)
    assert [kind for kind, _, _ in found] == kinds
