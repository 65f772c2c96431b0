"""Secrets that have to be read again, sealed under a key that is not in the database.

A copy of the database gives nobody a signature. AES-256-GCM (RFC 5116), a nonce for each secret.
"""

import base64
import binascii
import contextlib
import hashlib
import os
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from models.store.engine import SECRETS

_KEY_BYTES, _NONCE_BYTES = 32, 12
_FORM = "box1"


class SecretUnreadable(Exception):
    """A secret was sealed under another key, or is damaged."""


class SecretBox:
    """Seals and opens under the key in a file; the file is made when it is needed first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, secret: str) -> str:
        """Return a secret as a database may keep it."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), self._id.encode())
        return f"{_FORM}:{self._id}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, kept: str) -> str:
        """Return the secret that was sealed; one that an older release kept as it is.

        Raises:
            SecretUnreadable: It cannot be opened with this key.
        """
        if not is_sealed(kept):
            return kept
        _, key_id, text = kept.split(":", maxsplit=2)
        if key_id != self._id:
            raise SecretUnreadable(f"sealed under the key {key_id}, and {self._path} is {self._id}")
        try:
            data = base64.b64decode(text, validate=True)
            opened = self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], key_id.encode())
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise SecretUnreadable("it is damaged") from error
        return str(opened, "utf-8")

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self._key)

    @cached_property
    def _id(self) -> str:
        return hashlib.sha256(self._key).hexdigest()[:8]

    @cached_property
    def _key(self) -> bytes:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._path.exists():
            self._make()
        try:
            key = base64.b64decode(self._path.read_bytes().strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise SecretUnreadable(f"{self._path} holds no key of {_KEY_BYTES} bytes in base64")
        return key

    def _make(self) -> None:
        """Make the file, whole or not at all; of two who make it at once the first counts."""
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(partial, self._path)
        partial.unlink()


def is_sealed(kept: str) -> bool:
    """Tell whether a secret is sealed; older releases kept it as it is."""
    return kept.startswith(f"{_FORM}:")


def box_of(connection: Connection) -> SecretBox:
    """Return the box of the engine that a connection is of.

    Raises:
        LookupError: Whoever opened the engine gave it none.
    """
    found: SecretBox | None = connection.get_execution_options().get(SECRETS)
    if found is None:
        raise LookupError("this engine was opened without the key of its secrets")
    return found
