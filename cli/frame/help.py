"""Help in the reader's language: Typer's own words in Chinese, or our texts in English."""

# ruff: noqa: ANN401 - commands and contexts are private to Typer

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from typer.core import TyperArgument, TyperGroup

from cli.frame.language import Language

_PLACEHOLDERS: Mapping[str, str] = {
    "<str>": "TEXT",
    "<int>": "N",
    "<int range>": "N",
    "<path>": "FILE",
    "<file>": "FILE",
    "<datetime>": "DATE",
}
"""What stands for a value, by Typer's name of its type."""

_SAYINGS = tuple(
    (re.compile(pattern, re.MULTILINE), chinese)
    for pattern, chinese in (
        (r"^Usage: ", "用法："),
        (r"^(Arguments|参数):$", "参数："),
        (r"^Options:$", "选项："),
        (r"^Commands:$", "命令："),
        (r"\[OPTIONS\]", "[选项]"),
        (r"COMMAND \[ARGS\]\.\.\.", "命令 [参数]…"),
        (r"Show this message and exit\.", "显示本说明后退出。"),
        (r"\[default: ", "[默认："),
        (r"; required\]", "；必填]"),
        (r"\[required\]", "[必填]"),
    )
)


def in_language(command: Any, language: Language) -> None:
    """Let a command, and every command below it, help in a language; once for each."""
    say = _translate if language is Language.EN else str
    for each in ("help", "short_help", "epilog"):
        if text := getattr(command, each, None):
            setattr(command, each, say(text))
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = say(parameter.help)
        parameter.display_type = _named(parameter)
    if language is Language.ZH:
        command.get_help = _in_chinese(command.get_help)
    if isinstance(command, TyperGroup):
        for lower in command.commands.values():
            in_language(lower, language)


def _named(parameter: Any) -> Callable[[Any], str]:
    """Return what shows the type of a parameter: an argument's name says enough."""
    shown, bare = parameter.display_type, isinstance(parameter, TyperArgument)

    def display_type(ctx: Any) -> str:
        said = re.sub(r"^<list\[(.+)]>$", r"<\1>", str(shown(ctx)))
        placeholder = _PLACEHOLDERS.get(said, said)
        return "" if bare and said in _PLACEHOLDERS else placeholder

    return display_type


def _in_chinese(get_help: Callable[[Any], str]) -> Callable[[Any], str]:
    def get(ctx: Any) -> str:
        said = get_help(ctx)
        for pattern, chinese in _SAYINGS:
            said = pattern.sub(chinese, said)
        return said

    return get


def _translate(text: str) -> str:
    """Return the English of a text; one that was forgotten stays, and a test says so."""
    return _english().get(" ".join(text.split()), text)


@cache
def _english() -> Mapping[str, str]:
    source = files("cli.frame").joinpath("help.en.json").read_text(encoding="utf-8")
    return {" ".join(zh.split()): en for zh, en in json.loads(source).items()}
