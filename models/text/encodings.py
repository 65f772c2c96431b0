"""Files that people give us: read as UTF-8, or refused with the line that is not."""

from models.refusals import Refused

_BOM = "\ufeff"
_OTHERS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def decode_text(content: bytes, what: str) -> str:
    """Return the text of a file; an editor of Windows may have put a BOM before it.

    Args:
        content: The bytes of the file.
        what: What the message calls it, e.g. `案例文件 case.toml`.

    Raises:
        Refused: `not_text`; the message names the line and the encoding that it seems to have.
    """
    try:
        return content.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"{what} 第 {line} 行不是 UTF-8 文本{_seems(content)}，请另存为 UTF-8 编码。"
        raise Refused("not_text", message) from error


def _seems(content: bytes) -> str:
    if name := _OTHERS.get(content[:2]):
        return f"（看来是 {name} 编码）"
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "（看来是 GBK 编码）"
