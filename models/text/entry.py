"""Characters that no entered text may hold: those that nobody sees and a terminal or page obeys."""

import re
import unicodedata

from models.refusals import Refused

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NO_TEXT = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb]"
    "|[" + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF)) + "]"
)
_BREAKS = re.compile(r"[\n\r]")


def unfit(text: str, *, one_line: bool = False) -> str | None:
    """Say in Chinese which character keeps a text from being entered; None: none does.

    Tabs and lines are text; other control characters, those that turn the direction of
    writing, halves of characters and code points that will never be one are not.

    Args:
        text: As it was typed.
        one_line: Whether lines are refused too.
    """
    found = _NO_TEXT.search(text)
    if found is None and one_line:
        found = _BREAKS.search(text)
        if found is not None:
            return "只能写一行，请去掉换行"
    if found is None:
        return None
    sign = found[0]
    kind = "改变文字方向的字符" if re.match(f"[{_BIDI}]", sign) else "控制字符"
    name = unicodedata.name(sign, "")
    shown = f"U+{ord(sign):04X}" + (f" {name}" if name else "")
    return f"第 {found.start() + 1} 个字符是不显示的{kind}（{shown}），请删除"


def require_fit(text: str, what: str, *, one_line: bool = True) -> str:
    """Return a text that may be entered.

    Args:
        text: As it was typed.
        what: What the message calls it, e.g. `姓名`.
        one_line: Whether it must be one line.

    Raises:
        Refused: `unfit_text`; the message names the character and its place.
    """
    if why := unfit(text, one_line=one_line):
        raise Refused("unfit_text", f"{what}{why}。")
    return text
