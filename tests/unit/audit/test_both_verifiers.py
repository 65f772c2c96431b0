"""The product and the script that ships alone judge the same evidence alike."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import chain
from models.audit import signatures
from models.audit.chain_check import check_chain
from models.audit.digest_check import check_digests
from models.audit.report import Problem
from services.audit import archive_verifier as script
from tests.unit.audit import evidence
from tests.unit.audit.evidence import Line

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

# fmt: off
VECTORS = [  # RFC 8032, section 7.1
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ),
]
# fmt: on


@given(values)
def test_digests_are_the_same(value: object) -> None:
    assert script.digest(value) == chain.digest(value)
    text = repr(value).encode()
    assert script.digest_bytes(text) == chain.digest_bytes(text)


@given(st.binary(), st.dictionaries(st.text(), values))
def test_key_ids_and_signed_bytes_are_the_same(public: bytes, line: dict[str, Any]) -> None:
    assert script.key_id(public) == signatures.key_id(public)
    signed = {**line, "signature": "00"}
    assert script.signed_bytes(signed) == signatures.signed_bytes(signed)


@pytest.mark.parametrize("verifies", [script.ed25519_ok, signatures.signature_ok])
@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_signatures_are_checked_as_the_rfc_says(
    verifies: Callable[[bytes, bytes, bytes], bool], public: str, message: str, signature: str
) -> None:
    parts = [bytes.fromhex(part) for part in (public, message, signature)]
    flipped = bytes([parts[2][0] ^ 1]) + parts[2][1:]
    assert verifies(*parts)
    assert not verifies(parts[0], parts[1] + b"x", parts[2])
    assert not verifies(parts[0], parts[1], parts[2][:-1])
    assert not verifies(parts[0], parts[1], flipped)
    assert not verifies(parts[0][:-1], parts[1], parts[2])


@settings(deadline=None, max_examples=40)  # pure Python takes its time
@given(st.binary(max_size=64), st.integers(0, 63), st.integers(0, 7))
def test_signatures_are_judged_alike(message: bytes, byte: int, bit: int) -> None:
    public = evidence.KEY.public_key().public_bytes_raw()
    signature = bytearray(evidence.KEY.sign(message))
    assert script.ed25519_ok(public, message, bytes(signature))
    assert signatures.signature_ok(public, message, bytes(signature))
    signature[byte] ^= 1 << bit
    assert not script.ed25519_ok(public, message, bytes(signature))
    assert not signatures.signature_ok(public, message, bytes(signature))


def test_genesis_is_the_same() -> None:
    assert script.GENESIS == chain.GENESIS


CHAIN_CHANGES: dict[str, Callable[[list[Line]], object]] = {
    "none": lambda lines: lines,
    "removed line": lambda lines: lines.pop(1),
    "cut tail": lambda lines: lines.pop(),
    "swapped lines": lambda lines: lines.insert(1, lines.pop(2)),
    "changed body": lambda lines: lines[1].update(body="another"),
    "changed hash": lambda lines: lines[1].update(hash="sha256:0"),
    "changed link": lambda lines: lines[2].update(previous_hash=chain.GENESIS),
    "changed part": lambda lines: lines[1]["bound"].update(case_id="c"),
    "no body": lambda lines: lines[0].pop("body"),
    "no link of its case": lambda lines: lines[2]["bound"].pop("case_previous_hash"),
    "another link of its case": lambda lines: lines[2]["bound"].update(case_previous_hash="x"),
}


@pytest.mark.parametrize("name", CHAIN_CHANGES)
def test_chains_are_judged_alike(name: str) -> None:
    lines = evidence.chain("a", "b", "a", None, "b", "a")
    CHAIN_CHANGES[name](lines)
    found = told(check_chain(lines))
    assert found == list(script.check_chain(lines))
    assert (found == []) is (name in {"none", "cut tail", "no body"})


DIGEST_CHANGES: dict[str, Callable[[list[Line]], object]] = {
    "none": lambda lines: lines,
    "no line": lambda lines: lines.clear(),
    "removed day": lambda lines: lines.pop(1),
    "removed key": lambda lines: lines.pop(0),
    "changed head": lambda lines: lines[1].update(head="sha256:0"),
    "changed place": lambda lines: lines[2].update(n=9),
    "changed count": lambda lines: lines[2].update(count=7),
    "changed link": lambda lines: lines[2].update(previous=chain.GENESIS),
    "changed signature": lambda lines: lines[2].update(signature="00" * 64),
    "changed key": lambda lines: lines[3].update(public_key="00" * 32),
    "another key's id": lambda lines: lines[1].update(key="ed25519:0"),
    "no key's id": lambda lines: lines[1].pop("key"),
    "no link": lambda lines: lines[1].pop("previous"),
    "no hex": lambda lines: lines[0].update(signature="xyz"),
    "no hex in the key": lambda lines: lines[0].update(public_key="xyz"),
    "no kind": lambda lines: lines[1].pop("kind"),
    "no place": lambda lines: lines[1].pop("n"),
    "a place that is no number": lambda lines: lines[1].update(n="1"),
    "unreadable": lambda lines: lines.insert(2, {"unreadable": "{"}),
    "a day": lambda lines: lines[1].update(day="2024-05-05"),
}


@pytest.mark.parametrize("name", DIGEST_CHANGES)
def test_signed_digests_are_judged_alike(name: str) -> None:
    witnessed = evidence.chain("a", "b", "a")
    lines = evidence.digests(witnessed)
    DIGEST_CHANGES[name](lines)
    hashes = evidence.hashes_of(witnessed)
    found = told(check_digests(lines, hashes))
    assert found == list(script.check_digests(lines, hashes))
    assert (found == []) is (name in {"none", "no line"})


def test_a_chain_shorter_than_its_digests_is_judged_alike() -> None:
    lines = evidence.digests(evidence.chain("a", "b", "a"))
    found = told(check_digests(lines, {1: "x"}))
    assert found == list(script.check_digests(lines, {1: "x"}))
    assert [kind for kind, _, _ in found] == ["rewritten", "cut_tail", "cut_tail"]


def told(problems: Iterable[Problem]) -> list[tuple[str, str, str]]:
    """Return problems as the script tells them."""
    return [(problem.kind, problem.where, problem.message) for problem in problems]
