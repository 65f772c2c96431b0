"""How characters (字) are counted. The call names the rule; the server's count decides.

The ranges are written out, so that a page can count by the same rule.
"""

import re
from typing import assert_never

from models.programme.form import CountingRule

# Written as ranges and not by Unicode width: a browser must be able to do the same.
_CJK_RANGES = (
    "\u1100-\u11ff"  # hangul letters
    "\u2e80-\u2fff"  # radicals
    "\u3001-\u4dbf"  # marks, kana, bopomofo, squared units, extension A; U+3000 is a space
    "\u4e00-\ua4cf"  # ideographs, Yi
    "\ua960-\ua97f\uac00-\ud7ff"  # hangul
    "\uf900-\ufaff"  # compatibility ideographs
    "\ufe10-\ufe1f\ufe30-\ufe6f"  # vertical and small marks
    "\uff01-\uffee"  # full-width forms
    "\U00016fe0-\U00018dff\U0001b000-\U0001b2ff\U0001f200-\U0001f2ff\U00020000-\U0003fffd"
)
_CHINESE_MARKS = "‘’“”—―…‥·"  # shared with other scripts, full-width in Chinese text
_INVISIBLE = "\u200b-\u200f\u2060\ufeff\u00ad"  # they neither count nor part a run
_UNIT = re.compile(f"[{_CJK_RANGES}{_CHINESE_MARKS}]|[^\\s{_CJK_RANGES}{_CHINESE_MARKS}]+")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_MEANT = re.compile(f"[{_CJK_RANGES}{_CHINESE_MARKS}]|[^\\W_]")


def count_characters(text: str, rule: CountingRule) -> int:
    """Return the number of 字 of `text`.

    Args:
        text: any text; CRLF counts as one line break.
        rule: `word`: a CJK character or full-width mark is 1, an unbroken run of other
            characters with a letter or digit is 1, lone half-width punctuation and
            spaces are 0, as a word processor counts. `chars_no_space`: every character
            but white space is 1. `codepoints`: every code point is 1.
    """
    match rule:
        case "word":
            return sum(1 for unit in _UNIT.findall(_HIDDEN.sub("", text)) if _MEANT.search(unit))
        case "chars_no_space":
            return len("".join(_HIDDEN.sub("", text).split()))
        case "codepoints":
            return len(text.replace("\r\n", "\n"))
        case _:
            assert_never(rule)
