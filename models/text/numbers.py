"""Telephone numbers as people type them."""

import re

from models.text.spellings import seen_digits

SPACES = r" \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
DASHES = r"\-\u2010-\u2015\u2043\u207b\u2212\u301c\u30fc\ufe58\ufe63\uff0d\uff5e~"
DOTS = r".\u00b7\u2022\u2024\u2027\u2219\u22c5\u3002\u30fb\uff0e\uff61\uff65"
BRACKETS = r"(\ufe59\uff08)\ufe5a\uff09"
PLUS = r"+\ufe62\uff0b"
"""Members of a class of characters in a regular expression."""

_BETWEEN = re.compile(rf"[\s{SPACES}{DASHES}{DOTS}{BRACKETS}]")
_PLUS = re.compile(rf"[{PLUS}]")


def plain_number(text: str) -> str:
    """Return a number in digits from 0 to 9, with nothing between them; other text stays."""
    return _PLUS.sub("+", _BETWEEN.sub("", seen_digits(text).text))
