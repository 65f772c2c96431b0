"""Explains what is wrong with settings: which variable, what it should be, what is near."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from workers.settings.environment import leaves

SAYINGS: Mapping[str, str] = {
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "string_type": "应为文字",
    "greater_than": "应大于 {gt:g}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt:g}",
    "less_than_equal": "应不大于 {le}",
    "url_parsing": "应为完整的网址，如 https://host/path",
    "url_type": "应为完整的网址，如 https://host/path",
    "url_scheme": "网址应以 http:// 或 https:// 开头",
    "ip_v4_address": "应为 IP 地址，如 127.0.0.1",
    "ip_v6_address": "应为 IP 地址，如 127.0.0.1",
}
"""What pydantic's kinds of errors mean, in Chinese."""


def explain_settings(error: ValidationError, model: type[BaseModel], file: Path) -> str:
    """Say which settings are wrong, why and where, without their values: one may be a secret.

    Args:
        error: What pydantic found.
        model: The settings.
        file: The configuration file.
    """
    variables = {path: variable for variable, path in leaves(model)}
    wrong = dict.fromkeys(_sentences(error, variables, file))
    return "设置有误：" + "；".join(wrong) + "。"


def explain_toml(error: Exception, file: Path) -> str:
    """Say why the configuration file cannot be read."""
    if isinstance(error, tomllib.TOMLDecodeError):
        at = str(error).rpartition("(at ")[2].rstrip(")")
        line = at.partition("line ")[2].partition(",")[0]
        where = f"第 {line} 行" if line.isdecimal() else "末尾"
        return f'配置文件 {file} {where}不合 TOML 格式（文字须加英文引号，如 log_level = "info"）。'
    return f"配置文件 {file} 读不到：{getattr(error, 'strerror', None) or type(error).__name__}。"


def _sentences(
    error: ValidationError, variables: Mapping[tuple[str, ...], str], file: Path
) -> Iterator[str]:
    for item in error.errors():
        path = tuple(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            yield _unknown(path, variables, file)
            continue
        if item["type"] == "model_type":
            yield f"配置文件 {file} 中的 {path[0]} 是一组设置，应写作 [{path[0]}] 一节"
            continue
        known = next((path[:end] for end in (2, 1) if path[:end] in variables), None)
        if known is None:  # a whole section: its parts do not go together
            yield f"{_section(path, variables)}：{_reason(item)}"
        else:
            yield f"{variables[known]}（配置文件中为 {'.'.join(known)}）{_reason(item)}"


def _section(path: Sequence[str], variables: Mapping[tuple[str, ...], str]) -> str:
    """Return the beginning that the variables of a section share."""
    name = path[0] if path else ""
    inside = any(known[0] == name and len(known) > 1 for known in variables)
    return f"TUIXUAN_{name.upper()}__…" if inside else ".".join(path)


def _unknown(path: tuple[str, ...], variables: Mapping[tuple[str, ...], str], file: Path) -> str:
    names = [".".join(known) for known in variables]
    [near] = get_close_matches(".".join(path), names, n=1, cutoff=0)
    return f"配置文件 {file} 中的 {'.'.join(path)} 不是一项设置，最接近的是 {near}"


def _reason(item: Any) -> str:  # noqa: ANN401 - a TypedDict of pydantic_core, which we do not name
    context: Mapping[str, Any] = item.get("ctx") or {}
    kind: str = item["type"]
    if kind == "literal_error":
        choices = context["expected"].replace("' or '", "'、'").replace("', '", "'、'")
        return f"应为 {choices.replace(chr(39), '')} 之一"
    if kind == "value_error":
        return f"{context['error']}"
    saying = SAYINGS.get(kind)
    return saying.format(**context) if saying else f"有误（{item['msg']}）"
