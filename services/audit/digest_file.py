"""Sign the audit's head of each day, in a file outside of any database."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, func, select

from models.audit.digest_line import (
    CIVIL,
    Line,
    announced_key,
    covered_place,
    day_after_closed,
    digest_line,
    end_of_day,
    key_line,
    previous_digest,
)
from models.audit.signatures import key_id, signed_bytes
from models.refusals import Refused
from models.store.engine import reading
from models.tables.audit import audit_record
from services.audit.json_lines import LinesToAppend, appending, read_lines
from services.audit.key_file import KeyFile, public_hex, read_key


class DigestFile:
    """The file of the digests, and the key that signs them.

    Args:
        path: The file; it need not be there yet.
        key_path: Where a key is made and kept, when none is given.
        given: A key as PEM text; None: the one at `key_path`.
    """

    def __init__(self, path: Path, key_path: Path, given: str | None = None) -> None:
        self._path = path
        self._keys = KeyFile(key_path, given)

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines; for one that cannot be read, `{"unreadable": text}`."""
        return read_lines(self._path)

    @property
    def lost(self) -> Path | None:
        """The file, if its beginning is gone though its key has signed; it is not begun anew."""
        return self._path if self._is_lost(self.lines()) else None

    @property
    def by_another(self) -> bool:
        """Whether the key that signed last is not at hand, though another is."""
        announced, at_hand = announced_key(self.lines()), self._keys.public_keys()
        return announced is not None and bool(at_hand) and announced not in at_hand

    def sign_ended_days(self, engine: Engine, now: datetime) -> list[Line]:
        """Sign every civil day that has ended and has no digest; return the new lines."""
        with appending(self._path) as file:
            day, signed = _first_unsigned_day(engine, file.lines), []
            while day is not None and end_of_day(day) <= now:
                signed.append(self._sign_day(file, engine, day, now))
                day += timedelta(days=1)
        return signed

    def unsigned_seconds(self, engine: Engine, now: datetime) -> float:
        """Return for how long a day has ended without a digest; 0.0 if every one has one."""
        day = _first_unsigned_day(engine, self.lines())
        return 0.0 if day is None else max(0.0, (now - end_of_day(day)).total_seconds())

    def sign_now(self, engine: Engine, now: datetime) -> Line:
        """Sign the audit as it is at this moment of the day."""
        with appending(self._path) as file:
            return self._sign_day(file, engine, now.astimezone(CIVIL).date(), now)

    def rotate(self, reason: str, now: datetime, new: str | None = None) -> Line:
        """Change the key that signs from now on; a lost file begins anew with it.

        Args:
            reason: Why.
            now: This instant.
            new: The new key as PEM text; None makes one, unless the settings give the key.

        Raises:
            Refused: `reason_required`, `bad_signing_key`, `wrong_signing_key`, or
                `new_key_needed`: the key comes from the settings.
        """
        if not reason.strip():
            raise Refused("reason_required", "请说明理由（--reason）。")
        if self._keys.is_given and new is None:
            raise Refused("new_key_needed", "签名密钥由设置给出，请用 --new-key 指明新的密钥文件。")
        with appending(self._path) as file:
            old = None if self._is_lost(file.lines) else self._signing_key(file)
            key = Ed25519PrivateKey.generate() if new is None else read_key(new)
            self._keys.prepare(key)
            line = _append_signed(file, key_line(public_hex(key), reason, now), old or key)
            self._keys.activate()
        return line

    def _is_lost(self, lines: list[Line]) -> bool:
        return not self._keys.is_given and self._keys.is_kept and announced_key(lines) is None

    def _sign_day(self, file: LinesToAppend, engine: Engine, day: date, now: datetime) -> Line:
        key, covered = self._signing_key(file), covered_place(file.lines)
        head = _head_before(engine, min(end_of_day(day), now), covered)
        return _append_signed(file, digest_line(day, now, head, covered), key)

    def _signing_key(self, file: LinesToAppend) -> Ed25519PrivateKey:
        """Return the key that signs; the first is announced by the file's first line.

        Raises:
            Refused: `digests_missing`, `wrong_signing_key` or `bad_signing_key`.
        """
        if self._is_lost(file.lines):
            message = (
                f"签名摘要文件 {self._path} 丢失或残缺，而签名密钥仍在。请放回另存的副本；"
                "没有副本时，执行 tuixuan audit rotate-key --reason 写明缘由，另起新文件。"
            )
            raise Refused("digests_missing", message)
        announced = announced_key(file.lines)
        if announced is not None:
            self._keys.finish_rotation(announced)
        key = self._keys.load() or self._keys.make()
        if announced is None:
            self._announce_first(file, key)
        elif public_hex(key) != announced:
            message = "签名密钥与摘要文件中现用的不同；更换密钥请用 tuixuan audit rotate-key。"
            raise Refused("wrong_signing_key", message)
        return key

    def _announce_first(self, file: LinesToAppend, key: Ed25519PrivateKey) -> None:
        at = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        _append_signed(file, key_line(public_hex(key), "first", at), key)
        self._keys.activate()  # not before: a kept key says that the file has begun


def _append_signed(file: LinesToAppend, line: Line, key: Ed25519PrivateKey) -> Line:
    """Bind a line to those before it, sign it, and append it."""
    public = key.public_key().public_bytes_raw()
    line = {**line, "previous": previous_digest(file.lines), "key": key_id(public)}
    line["signature"] = key.sign(signed_bytes(line)).hex()
    file.append(line)
    return line


def _first_unsigned_day(engine: Engine, lines: list[Line]) -> date | None:
    """Return the first day without a digest of its end; None: there is nothing to sign."""
    following = day_after_closed(lines)
    if following is not None:
        return following
    first = first_recorded_at(engine)
    return None if first is None else first.astimezone(CIVIL).date()


def first_recorded_at(engine: Engine) -> datetime | None:
    """Return when the first line of the chain was written; None: it has none."""
    query = select(audit_record.c.recorded_at).where(audit_record.c.n == 1)
    with reading(engine) as connection:
        first: datetime | None = connection.scalar(query)
    return first


def _head_before(engine: Engine, until: datetime, covered: int) -> tuple[int, str | None]:
    """Return place and hash of the newest line before an instant, or of the last covered one.

    Raises:
        Refused: `audit_tail_cut`: the chain ends before what is signed.
    """
    with reading(engine) as connection:
        newest = select(func.max(audit_record.c.n)).where(audit_record.c.recorded_at < until)
        n = max(connection.scalar(newest) or 0, covered)
        head: str | None = connection.scalar(
            select(audit_record.c.hash).where(audit_record.c.n == n)
        )
    if n and head is None:
        raise Refused("audit_tail_cut", f"审计记录不足 {n} 条，与已签名的摘要不符。")
    return n, head
