"""Ed25519 signatures of the digest file: key ids, what is signed, whether it holds."""

import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from models.chain import canonical_json


def key_id(public: bytes) -> str:
    """Return the id of a public key: the first half of its SHA-256."""
    return "ed25519:" + hashlib.sha256(public).hexdigest()[:32]


def signed_bytes(line: Mapping[str, Any]) -> bytes:
    """Return what the signature of a line is over: everything but the signature."""
    bare = {name: value for name, value in line.items() if name != "signature"}
    return canonical_json(bare).encode()


def signature_ok(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
