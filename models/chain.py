"""Canonical JSON, digests and the hash chain, shared by the record and the audit."""

import hashlib
import json
from collections.abc import Mapping

GENESIS = "sha256:" + "0" * 64
"""The previous hash of the first line of a chain."""


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: keys sorted, no spaces, UTF-8 unescaped."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_bytes(data: bytes) -> str:
    """Return `sha256:<hex>` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_text(text: str) -> str:
    """Return `sha256:<hex>` of the text's UTF-8 bytes."""
    return digest_bytes(text.encode())


def digest(value: object) -> str:
    """Return `sha256:<hex>` of the canonical JSON of `value`."""
    return digest_text(canonical_json(value))


def chain_hash(previous: str, line: Mapping[str, object]) -> str:
    """Return the hash that binds `line` to the hash of the line before it."""
    return digest({"previous": previous, "record": line})
