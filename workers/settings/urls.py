"""Addresses that hold passwords: derived, and shown without them."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MASK = "***"
AUDIT_SCHEMA = "audit"


def mask_password(url: str) -> str:
    """Return the address as people may see it: `***` in place of a password or a bare token."""
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    user, colon, _password = account.partition(":")
    shown = f"{user}:{MASK}" if colon else account
    if parts.scheme in ("nats", "tls", "ws", "wss") and not colon:
        shown = MASK  # NATS reads a lone word before the @ as a token
    return urlunsplit(parts._replace(netloc=f"{shown}@{host}"))


def holds_mask(url: str) -> bool:
    """Tell whether a password was masked in this address."""
    return MASK in urlsplit(url).netloc


def audit_url(record_url: str) -> str:
    """Return the audit's store on the same PostgreSQL server: a schema of its own."""
    parts = urlsplit(record_url)
    query = dict(parse_qsl(parts.query))
    options = f"{query.get('options', '')} -csearch_path={AUDIT_SCHEMA}".strip()
    encoded = urlencode({**query, "options": options}, quote_via=quote)
    return urlunsplit(parts._replace(query=encoded))
