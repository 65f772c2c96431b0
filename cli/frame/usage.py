"""Typer's messages about wrong arguments, in Chinese where that is read; names stay."""

import re
from typing import Any

from typer import TyperException

from cli.frame.language import Language
from cli.frame.options import options

NO_ARGUMENTS = "NoArgsIsHelpError"
"""Typer's private class for a group that was called without a command."""

SAYINGS = (
    (r"No such command (.+?)\. Did you mean (.+)\?", r"没有命令 \1。是不是 \2？"),
    (r"No such command (.+?)\.", r"没有命令 \1。"),
    (r"Missing command\.", "缺少命令。"),
    (r"No such option: (\S+) \(Possible options: (.+)\)", r"没有选项 \1。是不是 \2？"),
    (r"No such option: (\S+)", r"没有选项 \1。"),
    (r"Option (.+) requires an argument\.", r"选项 \1 需要一个值。"),
    (r"Option (.+) does not take a value\.", r"选项 \1 不带值。"),
    (r"Got unexpected extra argument\(s\) \((.+)\)", r"多出的参数：\1。"),
    (r"Missing (?:argument|option) (.+?)\.(?: Choose from:\s*(.+))?", r"缺少 \1。\2"),
    (r"Invalid value for (.+?): file '(.+)' is a directory\.", r"\1 的值不对：\2 是一个目录。"),
    (r"Invalid value for (.+?): Input should be a valid integer.*", r"\1 的值不对：应为整数。"),
    (r"Invalid value for (.+?): Input should be a valid number.*", r"\1 的值不对：应为数字。"),
    (
        r"Invalid value for (.+?): Input should be greater than or equal to (\d+)",
        r"\1 的值不对：不应小于 \2。",
    ),
    (
        r"Invalid value for (.+?): Input should be less than or equal to (\d+)",
        r"\1 的值不对：不应大于 \2。",
    ),
    (
        r"Invalid value for (.+?): '(.+)' does not match the formats? '%Y-%m-%d'\.",
        r"\1 的值不对：“\2”不是形如 2024-05-12 的日期。",
    ),
    (
        r"Invalid value for (.+?): Value error, (.+) is not one of (.+)\.",
        r"\1 的值 \2 不在下列之中：\3。",
    ),
    (r"Invalid value for (.+?): (?:Value error, )?(.+)", r"\1 的值不对：\2"),
    (r"Invalid value: (.+)", r"\1"),
)


def explain_usage(error: TyperException) -> str:
    """Return a usage error on one line, with the command whose help explains it."""
    if type(error).__name__ == NO_ARGUMENTS:
        return error.format_message()  # the help
    said = " ".join(error.format_message().split())
    context: Any = getattr(error, "ctx", None)
    if options().language is Language.EN:
        return f"{said} See {context.command_path} --help" if context is not None else said
    for pattern, chinese in SAYINGS:
        match = re.fullmatch(pattern, said)
        if match is not None:
            said = match.expand(chinese)
            break
    return f"{said} 用法见 {context.command_path} --help" if context is not None else said
