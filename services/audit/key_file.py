"""The key that signs the digest file: given by the settings, or made and kept in a file."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from models.refusals import Refused


def read_key(text: str) -> Ed25519PrivateKey:
    """Return the key of a PEM text.

    Raises:
        Refused: `bad_signing_key`.
    """
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused("bad_signing_key", "签名密钥应为未加密的 PEM 格式 Ed25519 私钥。")
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """Return the raw public key in hex, as the digest file announces it."""
    return key.public_key().public_bytes_raw().hex()


class KeyFile:
    """Where the signing key is kept.

    A new key waits beside the kept one (`.new`) until the digest file has announced it.

    Args:
        path: Where a key is made and kept, when none is given.
        given: The settings' own key as PEM text; no file is read or written then.
    """

    def __init__(self, path: Path, given: str | None = None) -> None:
        self._path, self._given = path, given
        self._pending = path.with_suffix(".new")

    @property
    def is_given(self) -> bool:
        """Whether the settings give the key."""
        return self._given is not None

    @property
    def is_kept(self) -> bool:
        """Whether a key that the digest file announced is kept in the file."""
        return self._path.exists()

    def load(self) -> Ed25519PrivateKey | None:
        """Return the key that signs; None where none was made yet.

        Raises:
            Refused: `bad_signing_key`.
        """
        if self._given is not None:
            return read_key(self._given)
        return _load(self._path) if self._path.exists() else None

    def public_keys(self) -> set[str]:
        """Return the public keys, in hex, of all private keys at hand.

        Raises:
            Refused: `bad_signing_key`.
        """
        if self._given is not None:
            return {public_hex(read_key(self._given))}
        places = (self._path, self._pending)
        return {public_hex(_load(path)) for path in places if path.exists()}

    def make(self) -> Ed25519PrivateKey:
        """Make a key that waits to be announced."""
        key = Ed25519PrivateKey.generate()
        self.prepare(key)
        return key

    def prepare(self, key: Ed25519PrivateKey) -> None:
        """Keep a new key beside the old one until it is announced."""
        if not self.is_given:
            _write(self._pending, key)

    def activate(self) -> None:
        """Let the prepared key replace the old one: it has been announced."""
        if not self.is_given:
            self._pending.replace(self._path)

    def finish_rotation(self, announced: str) -> None:
        """Activate the prepared key if the file announces it: a crash came before `activate`."""
        waiting = not self.is_given and self._pending.exists()
        if waiting and public_hex(_load(self._pending)) == announced:
            self.activate()


def _load(path: Path) -> Ed25519PrivateKey:
    return read_key(path.read_text(encoding="ascii"))


def _write(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a key that its owner alone can read."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
