"""Masks personal data so that it stays recognisable, however it was typed.

Numbers are looked for in plain digits and masked where they stand in the text as it is: nothing
else of it changes.
"""

import re
from collections.abc import Callable

from models.text.numbers import BRACKETS, DASHES, DOTS, PLUS, SPACES
from models.text.spellings import (
    Spelling,
    plain_digits,
    plain_letters,
    seen_digits,
    seen_letters,
)

_GAP = rf"[{SPACES}{DASHES}]{{0,3}}"
_BREAK = rf"[{SPACES}{DASHES}]{{1,3}}"
_DOT = rf"[{DOTS}]"
_ABROAD = rf"(?:[{PLUS}]|00)86{_GAP}"
_AREA = r"[1-9]\d{1,2}"
_BRACKET = rf"[{BRACKETS}]?"
_HIDDEN_OF_MOBILE = (  # between the first three digits and the last four, as people group them
    rf"{_GAP}\d{{4}}{_GAP}|{_DOT}\d{{4}}{_DOT}"
    rf"|\d{_BREAK}\d{{3}}{_BREAK}|{_BREAK}\d{{3}}{_BREAK}\d|\d{_BREAK}\d{{3}}(?=\d{_BREAK})"
)

# ASCII: a number may follow a Chinese character at once, but is no part of an id.
_MOBILE = re.compile(
    rf"(?<![\w.])(?:{_ABROAD}|86{_GAP})?1[3-9]\d(?P<hidden>{_HIDDEN_OF_MOBILE})"
    rf"\d(?:{_BREAK})?\d{{3}}(?!\w)",
    re.ASCII,
)
_LANDLINE = re.compile(
    rf"(?<![\w.-])(?:{_ABROAD}{_BRACKET}0?|{_BRACKET}0){_AREA}{_BRACKET}(?:{_GAP}|{_DOT})"
    rf"(?P<hidden>\d{{3,4}}{_GAP})\d{{4}}(?:(?=-\d{{1,6}}(?![\w-]))|(?![\w-]))",
    re.ASCII,
)
_IDENTITY = re.compile(
    rf"(?<!\w)\d{{4}}(?P<hidden>\d\d{_GAP}\d{{8}}{_GAP}\d{{3}})[\dXxＸｘ](?!\w)", re.ASCII
)
_EMAIL = re.compile(  # the account in a URL is none
    r"://[!-.0-?A-~]*@|(?<![\w/])(?P<hidden>[\w.%+-]+)@[\w-]+(?:\.[\w-]+)+", re.ASCII
)
_MOBILE_IN_ID = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)", re.ASCII)


def mask_text(text: str) -> str:
    """Return a text with phones (`138****5678`), identity numbers and mail addresses masked."""
    text = _masked(text, _IDENTITY, "*" * 10, plain_digits, seen_digits)
    text = _masked(text, _MOBILE, "****", plain_digits, seen_digits)
    text = _masked(text, _LANDLINE, "****", plain_digits, seen_digits)
    return _masked(text, _EMAIL, "***", plain_letters, seen_letters)


def mask_name(name: str) -> str:
    """Return a person's name with all but its first character masked."""
    return name[:1] + "*" * len(name[1:])


def holds_mobile_number(text: str) -> bool:
    """Tell whether a mobile number stands in a text, also right after a letter."""
    spellings = {text, plain_digits(text).text, seen_digits(text).text}
    return any(pattern.search(each) for each in spellings for pattern in (_MOBILE, _MOBILE_IN_ID))


def _masked(
    text: str, pattern: re.Pattern[str], mask: str, *ways: Callable[[str], Spelling]
) -> str:
    """Return a text with `mask` in place of what each match hides, in any of its spellings.

    As it was typed comes last: it parts a number where one digit of it is full-width.
    """
    if not text.isascii():
        for way in ways:
            text = _hidden(way(text), text, pattern, mask)
    return _hidden(Spelling(text, range(len(text) + 1)), text, pattern, mask)


def _hidden(spelling: Spelling, text: str, pattern: re.Pattern[str], mask: str) -> str:
    for found in reversed([*pattern.finditer(spelling.text)]):
        if found["hidden"] is not None:
            start, end = spelling.span(*found.span("hidden"))
            text = text[:start] + mask + text[end:]
    return text
