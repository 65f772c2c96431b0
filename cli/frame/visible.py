"""Characters that a terminal obeys instead of showing them: made visible, never obeyed."""

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_OBEYED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ufeff]")
_IN_JSON = re.compile(f"[\x7f-\x9f{_BIDI}\u2028\u2029\ufeff]")


def visible(text: str) -> str:
    r"""Return a text with control and bidi characters as `\u202e`; tabs and lines stay."""
    return _OBEYED.sub(_escape, text)


def visible_json(text: str) -> str:
    """Return the same JSON with those characters as its own escapes."""
    return _IN_JSON.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
