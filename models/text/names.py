"""Names as they are compared: two that look the same are the same."""

import unicodedata


def folded(name: str) -> str:
    """Return the key of a name: half-width, no unseen characters, single spaces, one case.

    `甲公司（乙）`, `甲公司(乙)` and one with U+200B in it have one key. What people see is the
    spelling that was entered first.
    """
    plain = unicodedata.normalize("NFKC", name)
    seen = "".join(each for each in plain if unicodedata.category(each) != "Cf")
    # Folding a case may leave what NFKC would write otherwise: a key has to be stable.
    return " ".join(unicodedata.normalize("NFKC", seen.casefold()).split())
