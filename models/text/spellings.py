"""Digits and letters as input methods write them, and where each stood in the text.

Chinese input methods write digits and letters full-width, and text copied from a page holds
characters that nobody sees. What is found in a spelling is found in the text by its places.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_UNSEEN = frozenset({"Cf", "Mn", "Me"})
"""Format characters, and marks that join the character before them."""


@dataclass(frozen=True)
class Spelling:
    """A text spelt otherwise.

    Attributes:
        text: The spelling.
        places: Where each of its characters stands in the original; last, the original's length.
    """

    text: str
    places: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return which part of the original a part of this spelling is; not an empty one."""
        return self.places[start], self.places[end - 1] + 1


def plain_digits(text: str) -> Spelling:
    """Return a text with the decimal digits of every script, full-width ones too, as 0 to 9."""
    return _respelt(text, _decimal)


def seen_digits(text: str) -> Spelling:
    """Return a text with digits of every kind, `①` too, as 0 to 9, without what nobody sees."""
    return _without_unseen(text, _any_digit)


def plain_letters(text: str) -> Spelling:
    """Return a text with full-width letters, digits and marks of addresses in ASCII."""
    return _respelt(text, _letter)


def seen_letters(text: str) -> Spelling:
    """Return the same as `plain_letters`, without what nobody sees."""
    return _without_unseen(text, _letter)


def _respelt(text: str, spelt: Callable[[str], str]) -> Spelling:
    return Spelling("".join(map(spelt, text)), range(len(text) + 1))


def _without_unseen(text: str, spelt: Callable[[str], str]) -> Spelling:
    kept = [n for n, each in enumerate(text) if unicodedata.category(each) not in _UNSEEN]
    return Spelling("".join(spelt(text[n]) for n in kept), [*kept, len(text)])


def _decimal(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _any_digit(character: str) -> str:
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)


def _letter(character: str) -> str:
    """Colons and slashes stay: full-width they part words, in ASCII they belong to a URL."""
    if character in "。．｡":
        return "."
    plain = unicodedata.normalize("NFKC", character)
    usual = len(plain) == 1 and plain.isascii() and (plain.isalnum() or plain in "@-_+%")
    return plain if usual else character
