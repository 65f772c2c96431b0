"""Reads TOML into models, and says in Chinese where a file is wrong."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from models.refusals import Refused

_SHOWN = 5  # more than this at once helps nobody
_PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_TROUBLES: Mapping[str, str] = {
    "missing": "缺少这一项",
    "extra_forbidden": "不认识的键，请检查拼写或删除",
    "string_type": "应为文本，请加引号",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing": "应为整数",
    "decimal_type": "应为数",
    "decimal_parsing": "应为数",
    "finite_number": "应为有限的数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "tuple_type": "应为列表 […]",
    "model_type": "应为一个表 […]",
    "model_attributes_type": "应为一个表 […]",
    "dict_type": "应为一个表 […]",
    "date_type": "应为日期，如 2024-05-12",
    "is_instance_of": "类型不对",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不应小于 {ge}",
    "less_than_equal": "不应大于 {le}",
    "string_too_short": "不能为空",
    "string_too_long": "过长，最多 {max_length} 个字符",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}",
    "string_unicode": "含有无法识别的字符",
    "literal_error": "只能是 {expected} 之一",
    "enum": "只能是 {expected} 之一",
}
_SYNTAX: Mapping[str, str] = {
    "Cannot declare": "同一个表写了两次",
    "Cannot mutate": "同一个表写了两次",
    "Cannot overwrite": "同一个键写了两次",
    "Duplicate inline": "同一个键写了两次",
    "Expected '='": "键的后面应是等号",
    "Expected ']": "缺少右方括号",
    "Expected newline": "一行只能写一项，文本请加引号",
    "Illegal character": "含有不能使用的字符，文本跨行请用三个引号",
    "Invalid date": "日期不存在",
    "Invalid initial character": "键只能用英文字母、数字、-、_",
    "Invalid statement": "这一行不是“键 = 值”，键只能用英文",
    "Invalid value": "值写得不对，文本请加引号",
    "Unclosed": "括号没有写完",
    "Unescaped": "反斜杠的写法不对",
    "Unterminated": "引号没有写完",
}


def read_toml[M: BaseModel](model: type[M], text: str, code: str, what: str) -> M:
    """Return `text` as a `model`.

    Args:
        model: the pydantic model to fill.
        text: TOML 1.0; fractions are read as `Decimal`, so nothing is rounded.
        code: the code of the refusal, e.g. `programme_invalid`.
        what: what the message calls the file, e.g. `征集方案文件`.

    Raises:
        Refused: with `code`; the message names line and column of bad TOML, or the keys of bad
            values.
    """
    try:
        return model.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise Refused(code, f"{what}{_toml_trouble(error, text)}") from error
    except RecursionError as error:
        raise Refused(code, f"{what}嵌套过深") from error
    except ValidationError as error:
        raise Refused(code, f"{what}有误：{explain(error)}") from error
    except ValueError as error:  # Python's own bound on the digits of an integer
        raise Refused(code, f"{what}中有过长的数字") from error


def explain(error: ValidationError) -> str:
    """Return what is wrong as `place trouble；place trouble`, five troubles at most."""
    troubles = sorted(
        error.errors(include_url=False),
        key=lambda trouble: trouble["type"] != "extra_forbidden",  # a typo there explains the rest
    )
    shown = [f"{_place(trouble)} {_words(trouble)}".strip() for trouble in troubles[:_SHOWN]]
    if len(troubles) > _SHOWN:
        shown.append(f"另有 {len(troubles) - _SHOWN} 处")
    return "；".join(shown)


def _place(trouble: ErrorDetails) -> str:
    """Return `bodies[4].kind` for `("bodies", 3, "kind")`: people count from one."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in trouble["loc"])
    return "".join(parts).lstrip(".")


def _words(trouble: ErrorDetails) -> str:
    pattern = _TROUBLES.get(trouble["type"])
    if pattern is None:
        return trouble["msg"]  # our own validators speak Chinese already
    return pattern.format(**trouble.get("ctx", {}))


def _toml_trouble(error: tomllib.TOMLDecodeError, text: str) -> str:
    found, words = _PLACE.search(str(error)), _PLACE.sub("", str(error)).strip()
    what = next((ours for theirs, ours in _SYNTAX.items() if words.startswith(theirs)), words)
    if found is None or found[1] is None:
        place = f"第 {text.count('\n') + 1} 行末尾"
    else:
        place = f"第 {found[1]} 行第 {found[2]} 列"
    return f"{place}不是有效的 TOML：{what}"
