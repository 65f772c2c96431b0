"""The audit's head of each day, signed and kept outside of any database.

A file of lines, each bound to the one before: first the public key, then a digest for each
day that has ended, and a line for each change of the key, signed by the key before.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sqlalchemy import Engine, func, select

from models.chain import GENESIS, canonical_json, digest
from models.refusals import Refused
from models.store.engine import reading
from services.audit.archive_verifier import key_id, signed_bytes
from services.audit.chain import RECORDS

CIVIL = ZoneInfo("Asia/Shanghai")


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


def signature_ok(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature holds; quicker than the inspector's own."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class DigestFile:
    """The file of the digests, and the key that signs them.

    Args:
        path: The file.
        key_path: Where a key is made and kept, when none is given.
        given: A key as PEM text; None: the one at `key_path`.
    """

    def __init__(self, path: Path, key_path: Path, given: str | None = None) -> None:
        """Take the places; nothing need be there yet."""
        self._path, self._key_path, self._given = path, key_path, given

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines; one that cannot be read says so."""
        return read_lines(self._path)

    @property
    def lost(self) -> Path | None:
        """The file, where its beginning is gone though its key has signed; it is not begun anew."""
        known = any(line.get("kind") == "key" for line in self.lines())
        return self._path if self._given is None and self._key_path.exists() and not known else None

    @property
    def by_another(self) -> bool:
        """Whether the file was signed last by a key that is not the one at hand."""
        keys = [line.get("public_key") for line in self.lines() if line.get("kind") == "key"]
        places = [path for path in (self._key_path, self._pending) if path.exists()]
        at_hand = [self._given] if self._given is not None else [p.read_text() for p in places]
        known = {_public(read_key(text)) for text in at_hand}
        return bool(keys and known) and keys[-1] not in known

    def sign_ended_days(self, engine: Engine, now: datetime) -> list[dict[str, Any]]:
        """Sign every civil day that has ended and has no digest; return the new lines."""
        with self._locked() as file:
            day, made = self._first_day(engine), []
            while day is not None and _end(day.isoformat()) <= now:
                made.append(self._digest(file, engine, day.isoformat(), now))
                day += timedelta(days=1)
        return made

    def unsigned_seconds(self, engine: Engine, now: datetime) -> float:
        """Return for how long a day has ended that has no digest; 0.0: every one has."""
        day = self._first_day(engine)
        return 0.0 if day is None else max(0.0, (now - _end(day.isoformat())).total_seconds())

    def sign_now(self, engine: Engine, now: datetime) -> dict[str, Any]:
        """Sign the audit as it is at this moment of the day."""
        with self._locked() as file:
            return self._digest(file, engine, now.astimezone(CIVIL).date().isoformat(), now)

    def rotate(self, reason: str, now: datetime, new: str | None = None) -> dict[str, Any]:
        """Make a new key the one that signs from now on; a lost file begins anew with it.

        Args:
            reason: Why.
            now: This instant.
            new: The new key as PEM text; None: one is made, where none was configured.

        Raises:
            Refused: `reason_required`, or `new_key_needed` when the key comes from the settings.
        """
        if not reason.strip():
            raise Refused("reason_required", "请说明理由（--reason）。")
        if self._given is not None and new is None:
            raise Refused("new_key_needed", "签名密钥由设置给出，请用 --new-key 指明新的密钥文件。")
        with self._locked() as file:
            old = None if self.lost else self._key(file)
            key = Ed25519PrivateKey.generate() if new is None else read_key(new)
            if self._given is None:
                _keep(self._pending, key)
            line = self._write(file, _key_line(key, reason, now), old or key)
            if self._given is None:
                self._pending.replace(self._key_path)
        return line

    @property
    def _pending(self) -> Path:
        return self._key_path.with_suffix(".new")

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Open the file for one writer; take off a last line that a crash left unfinished."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(file.read().rfind(b"\n") + 1)
            yield file

    def _key(self, file: BinaryIO) -> Ed25519PrivateKey:
        """Return the key that signs; the first is made known by the file's first line.

        Raises:
            Refused: `digests_missing`, or `wrong_signing_key`.
        """
        if self.lost:
            message = (
                f"签名摘要文件 {self._path} 丢失或残缺，而签名密钥仍在。请放回另存的副本；"
                "没有副本时，执行 tuixuan audit rotate-key --reason 写明缘由，另起新文件。"
            )
            raise Refused("digests_missing", message)
        keys = [line["public_key"] for line in self.lines() if line.get("kind") == "key"]
        if self._given is not None:
            key = read_key(self._given)
        else:
            if keys and self._pending.exists() and _public(_load(self._pending)) == keys[-1]:
                self._pending.replace(self._key_path)  # a rotation that was cut short
            made = None if self._key_path.exists() else Ed25519PrivateKey.generate()
            key = made or _load(self._key_path)
            if made is not None:
                _keep(self._pending, made)
        if not keys:
            first = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
            self._write(file, _key_line(key, "first", first), key)
            if self._given is None:
                self._pending.replace(self._key_path)  # not before: it says that the file began
        elif keys[-1] != _public(key):
            message = "签名密钥与摘要文件中现用的不同；更换密钥请用 tuixuan audit rotate-key。"
            raise Refused("wrong_signing_key", message)
        return key

    def _first_day(self, engine: Engine) -> Any:  # noqa: ANN401 - a date or None
        """Return the first day without a digest of its end; None: there is nothing to sign."""
        closed = [line["day"] for line in self.lines() if line.get("closed")]
        if closed:
            return datetime.fromisoformat(closed[-1]).date() + timedelta(days=1)
        with reading(engine) as connection:
            first = connection.scalar(select(RECORDS.c.recorded_at).where(RECORDS.c.n == 1))
        return None if first is None else first.astimezone(CIVIL).date()

    def _digest(self, file: BinaryIO, engine: Engine, day: str, now: datetime) -> dict[str, Any]:
        key, columns = self._key(file), RECORDS.c
        covered = max((line["n"] for line in self.lines() if "n" in line), default=0)
        until = min(_end(day), now)
        with reading(engine) as connection:
            newest = select(func.max(columns.n)).where(columns.recorded_at < until)
            n = max(connection.scalar(newest) or 0, covered)
            head = connection.scalar(select(columns.hash).where(columns.n == n))
        if n and head is None:
            raise Refused("audit_tail_cut", f"审计记录不足 {n} 条，与已签名的摘要不符。")
        line = {"kind": "digest", "day": day, "closed": until <= now and until == _end(day),
                "at": now.isoformat(), "n": n, "head": head or GENESIS,
                "count": n - covered}  # fmt: skip
        return self._write(file, line, key)

    def _write(
        self, file: BinaryIO, said: Mapping[str, Any], key: Ed25519PrivateKey
    ) -> dict[str, Any]:
        before = self.lines()
        line = {**said, "previous": digest(before[-1]) if before else GENESIS,
                "key": key_id(key.public_key().public_bytes_raw())}  # fmt: skip
        line["signature"] = key.sign(signed_bytes(line)).hex()
        file.seek(0, os.SEEK_END)
        file.write(f"{canonical_json(line)}\n".encode())
        file.flush()
        os.fsync(file.fileno())
        return line


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of JSON Lines; one that cannot be read says so."""
    found: list[dict[str, Any]] = []
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    for line in text.split("\n")[:-1]:
        try:
            found.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            found.append({"unreadable": line})
    return found


def _end(day: str) -> datetime:
    """Return the instant at which a civil day has ended."""
    following = datetime.fromisoformat(day).date() + timedelta(days=1)
    return datetime.combine(following, time.min, CIVIL)


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def _key_line(key: Ed25519PrivateKey, reason: str, at: datetime) -> dict[str, Any]:
    return {"kind": "key", "public_key": _public(key), "reason": reason, "at": at.isoformat()}


def _load(path: Path) -> Ed25519PrivateKey:
    return read_key(path.read_text(encoding="ascii"))


def _keep(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a key for its owner alone."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
