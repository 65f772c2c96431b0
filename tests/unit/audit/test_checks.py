"""Each check of the audit finds what it is for, where all other checks are content."""

import pytest

from models.audit.chain_check import check_chain
from models.audit.digest_check import check_digests
from models.chain import GENESIS, digest
from tests.unit.audit.evidence import KEY, announce, chain, hashes_of, sign


def test_a_chain_as_it_is_written_is_fine() -> None:
    assert list(check_chain(chain("a", "b", None, "a", "b", "a"))) == []


@pytest.mark.parametrize("link", [GENESIS, digest("elsewhere")])
def test_a_line_that_leaves_out_the_one_before_of_its_case_is_found(link: str) -> None:
    """Whoever can write lines made the chain over all fit."""
    forged = chain("a", "b", "a", case_previous_hash=link)
    assert [(each.kind, each.where) for each in check_chain(forged)] == [("changed", "audit:3")]


def test_after_a_gap_nobody_knows_the_line_before_of_a_case() -> None:
    lines = chain("a", "a", "a", "b")
    del lines[1]
    assert [each.kind for each in check_chain(lines)] == ["missing"]


@pytest.mark.parametrize(("count", "kinds"), [(2, []), (1, ["rewritten"]), (3, ["rewritten"])])
def test_a_digest_says_how_many_lines_it_covers(count: int, kinds: list[str]) -> None:
    lines = chain("a", "b")
    signed: list[dict[str, object]] = []
    announce(signed, KEY, KEY)
    sign(signed, {"kind": "digest", "n": 2, "head": lines[1]["hash"], "count": count}, KEY)
    assert [each.kind for each in check_digests(signed, hashes_of(lines))] == kinds
