"""What may be entered as text: nothing that a terminal or a page obeys instead of showing it."""

import pytest

from models.refusals import Refused
from models.text.entry import require_fit, unfit


@pytest.mark.parametrize(
    "text",
    [
        "", "智慧广电新服务（示例）", "一行\n又一行\t列", "e\u0301", "𠮷 👨\u200d👩\u200d👧",
        "零宽\u200b空格",
        "﷽ متن", "\ue000",
    ],
)  # fmt: skip
def test_text_is_fit(text: str) -> None:
    assert unfit(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("标题\u009b2J", "第 3 个字符是不显示的控制字符（U+009B），请删除"),
        ("\x00", "第 1 个字符是不显示的控制字符（U+0000），请删除"),
        ("a\x1b[2J", "第 2 个字符是不显示的控制字符（U+001B），请删除"),
        ("a\x85b", "（U+0085）"),
        (
            "\u202egnp.exe",
            "第 1 个字符是不显示的改变文字方向的字符（U+202E RIGHT-TO-LEFT",
        ),
        ("x\u2066y", "改变文字方向的字符（U+2066"),
        ("x\u200fy", "改变文字方向的字符（U+200F"),
        ("x\u2028y", "（U+2028 LINE SEPARATOR）"),
        ("x\ud800", "（U+D800）"),
        ("x\uffff", "（U+FFFF）"),
        ("x\U0010fffe", "（U+10FFFE）"),
    ],
)
def test_what_is_no_text_is_named(text: str, words: str) -> None:
    assert words in (unfit(text) or "")
    with pytest.raises(Refused, match="unfit_text: 理由第"):
        require_fit(text, "理由")


def test_where_one_line_is_asked_for_a_second_is_refused() -> None:
    assert unfit("一\n二") is None
    with pytest.raises(Refused, match="姓名只能写一行"):
        require_fit("一\n二", "姓名")
