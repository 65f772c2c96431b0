"""Keeps personal data out of logs, however it got into a line."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from models.masking import mask_text

REMOVED = "[removed]"
PERSONAL = frozenset({
    "contact", "email", "form", "id_number", "location", "mail", "mobile", "note", "password",
    "person", "phone", "reason", "recipient", "remarks", "sections", "secret", "summary", "tel",
    "text", "token",
})  # fmt: skip
"""Keys whose values never enter a log, whole or as a word of a longer key."""
SAFE = frozenset({"digest", "hash", "id", "count", "code"})
"""Last words that make a key harmless: `contact_phone` is personal, `reason_digest` is not."""


_PARAMETERS = re.compile(r"\[parameters: .*")
"""What SQLAlchemy appends to an error: the values of a row."""
_FEED = re.compile(r"(/calendar/)[\w-]+", re.ASCII)
"""The address of a calendar feed: whoever has it can read the feed."""
_ACCOUNT = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Return a line without personal data; a structlog processor."""
    return {key: _value(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Mask phones, identity numbers, mail addresses, and passwords in URLs."""
    text = _PARAMETERS.sub(f"[parameters: {REMOVED}]", text)
    text = _ACCOUNT.sub(r"\1:***@", text)
    return mask_text(_FEED.sub(r"\1***", text))


def kept_text(text: str, longest: int) -> str:
    """Return what another system said as it may be kept: masked, in one line that can be shown.

    It is masked before and after characters that cannot be shown become spaces: they may part a
    number, or stand between two.
    """
    shown = "".join(each if each.isprintable() else " " for each in redact_text(text))
    return redact_text(" ".join(shown.split()))[:longest]


def is_personal(key: str) -> bool:
    """Tell whether the value of this key is personal."""
    words = key.lower().replace("-", "_").replace(".", "_").split("_")
    return words[-1] not in SAFE and (key.lower() in PERSONAL or bool(PERSONAL & {*words}))


def _value(key: str, value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if is_personal(key):
        return REMOVED
    return _inside(value)


def _inside(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _value(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_inside(item) for item in value]
    if value is None or isinstance(value, bool | float):
        return value
    masked = redact_text(str(value))
    return value if isinstance(value, int) and masked == str(value) else masked
