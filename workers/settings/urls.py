"""Addresses that hold passwords: derived, and shown without them."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from workers.folder.places import sqlite_url

MASK = "***"
_SQLITE = "sqlite:///"
_SEARCH_PATH = "-csearch_path=audit"


_ACCOUNT = re.compile(r"^([\w+.-]+://[^:/@]*):.*@(?=[^@]*$)")
"""An account as database drivers read it: passwords may hold what parts an address."""
_SECRET = re.compile(r"([?&](?:ssl)?password=)[^&#]*", re.IGNORECASE)


def mask_password(url: str) -> str:
    """Return the address as people may see it: `***` in place of a password or a bare token."""
    url = _SECRET.sub(rf"\1{MASK}", url)
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    if not at:
        return _ACCOUNT.sub(rf"\1:{MASK}@", url)
    user, colon, _password = account.partition(":")
    shown = f"{user}:{MASK}" if colon else account
    if parts.scheme in ("nats", "tls", "ws", "wss") and not colon:
        shown = MASK  # NATS reads a lone word before the @ as a token
    return urlunsplit(parts._replace(netloc=f"{shown}@{host}"))


def absolute_sqlite(url: str, folder: Path) -> str:
    """Return the address of a SQLite file whose path holds from any folder; others as they are.

    Args:
        url: Any address.
        folder: From where a relative path is meant.
    """
    path, mark, query = url.partition("?")
    named = path.removeprefix(_SQLITE)
    if named == path or named in ("", ":memory:") or named.startswith(("/", "file:")):
        return url
    return f"{sqlite_url(folder)}/{named}{mark}{query}"


def holds_mask(url: str) -> bool:
    """Tell whether a password was masked in this address."""
    return MASK in urlsplit(url).netloc or f"password={MASK}" in url.lower()


def audit_url(record_url: str) -> str:
    """Return the audit's store on the same PostgreSQL server: a schema of its own."""
    address, _, query = record_url.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    options = " ".join([*(value for name, value in given if name == "options"), _SEARCH_PATH])
    rest = [(name, value) for name, value in given if name != "options"]
    return f"{address}?{urlencode([*rest, ('options', options)], quote_via=quote)}"
