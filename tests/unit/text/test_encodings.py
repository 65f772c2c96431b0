"""A file that people give is read, or refused with the line and the encoding it seems to have."""

import pytest

from models.refusals import Refused
from models.text.encodings import decode_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_read_with_a_bom_and_without(encoding: str) -> None:
    assert decode_text("标题 = 1\r\n".encode(encoding), "文件") == "标题 = 1\r\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a = 1\nb = 2\nc = '案例'\n".encode("gbk"), "f.toml 第 3 行不是 UTF-8 文本（看来是 GBK"),
        ("案例".encode("gb18030"), "第 1 行不是 UTF-8 文本（看来是 GBK 编码）"),
        ("a = 1\n".encode("utf-16"), "第 1 行不是 UTF-8 文本（看来是 UTF-16 编码）"),
        ("a = 1\n".encode("utf-16-be"), None),  # NULs, which TOML refuses with their place
        (b"ok\n\xff\xff", "第 2 行不是 UTF-8 文本，请另存为"),
        ("标题".encode()[:-1], "第 1 行不是 UTF-8 文本"),
    ],
)  # fmt: skip
def test_other_encodings_are_named_with_the_line(content: bytes, said: str | None) -> None:
    if said is None:
        assert "\0" in decode_text(content, "文件 f.toml")
        return
    with pytest.raises(Refused, match="not_text") as refused:
        decode_text(content, "文件 f.toml")
    assert said in refused.value.message
