"""Chains and digests made for a test, and a signing key of its own."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.audit.signatures import key_id, signed_bytes
from models.chain import GENESIS, digest, digest_text

type Line = dict[str, Any]

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NEW_KEY = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)


def chain(*cases: str | None, **last: object) -> list[Line]:
    """Return a chain with a line for each of these cases; `last` goes into the last line."""
    lines: list[Line] = []
    heads: dict[str, str] = {}
    for n, case in enumerate(cases, start=1):
        bound: dict[str, Any] = {"n": n, "case_id": case, "body": digest_text(f"text {n}")}
        if case is not None:
            bound["case_previous_hash"] = heads.get(case, GENESIS)
        if n == len(cases):
            bound |= last
        previous = lines[-1]["hash"] if lines else GENESIS
        hashed = digest({"previous": previous, "record": bound})
        lines.append({"bound": bound, "body": f"text {n}", "previous_hash": previous,
                      "hash": hashed})  # fmt: skip
        if case is not None:
            heads[case] = hashed
    return lines


def hashes_of(lines: list[Line]) -> dict[int, str]:
    return {line["bound"]["n"]: line["hash"] for line in lines}


def digests(lines: list[Line]) -> list[Line]:
    """Return signed digests of a chain: a key, two days, a new key, a third day."""
    hashes = hashes_of(lines)
    made: list[Line] = []
    covered = 0
    announce(made, KEY, KEY)
    for day, n in (("2024-04-01", 1), ("2024-04-02", 2), ("2024-04-03", 3)):
        if n == len(hashes):
            announce(made, NEW_KEY, KEY)
        said = {"kind": "digest", "day": day, "n": n, "head": hashes[n], "count": n - covered}
        sign(made, said, KEY if n < len(hashes) else NEW_KEY)
        covered = n
    return made


def announce(lines: list[Line], new: Ed25519PrivateKey, by: Ed25519PrivateKey) -> None:
    public = new.public_key().public_bytes_raw().hex()
    sign(lines, {"kind": "key", "public_key": public}, by)


def sign(lines: list[Line], said: Mapping[str, object], key: Ed25519PrivateKey) -> None:
    """Append a line, bound to those before it and signed."""
    line: Line = {
        **said,
        "previous": digest(lines[-1]) if lines else GENESIS,
        "key": key_id(key.public_key().public_bytes_raw()),
    }
    lines.append({**line, "signature": key.sign(signed_bytes(line)).hex()})
