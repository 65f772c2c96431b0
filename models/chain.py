"""Canonical bytes, digests, and the hash chain that record and audit share."""

import hashlib
import json
from collections.abc import Mapping

GENESIS = "sha256:" + "0" * 64
"""What stands as the previous hash before the first record."""


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: keys sorted, no spaces, UTF-8 as it is."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_text(text: str) -> str:
    """Return `sha256:<hex>` of the text's UTF-8 bytes."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def digest(value: object) -> str:
    """Return `sha256:<hex>` of the canonical JSON of `value`."""
    return digest_text(canonical_json(value))


def chain_hash(previous: str, record: Mapping[str, object]) -> str:
    """Return the hash that binds `record` to the hash of the record before it."""
    return digest({"previous": previous, "record": record})
