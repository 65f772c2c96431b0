"""Help in one language at a time, and completion in the shells."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from cli.frame.completion import ASKED
from cli.main import COMMANDS, load, run

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
ENGLISH_FRAME = re.compile(
    r"Usage|OPTIONS|Options|Arguments|ARGS|Commands|required|default: |Show this|<str|<int|<list"
)
CATALOGUE = Path(__file__).parents[3] / "cli" / "frame" / "help.en.json"


def below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, lower in command.commands.items():
            yield from below(lower, (*path, name))


@cache
def every() -> dict[tuple[str, ...], Any]:
    return {path: each for name in COMMANDS for path, each in below(load(name), (name,))}


def shown(path: tuple[str, ...], capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run([*path, *options, "--help"]) == 0
    return capsys.readouterr().out


def texts() -> Iterator[str]:
    yield from (entry.help for entry in COMMANDS.values())
    for command in every().values():
        yield from filter(None, (command.help, command.epilog))
        yield from filter(None, (getattr(each, "help", None) for each in command.params))


@pytest.mark.parametrize("path", [(), *every()], ids=" ".join)
def test_help_is_of_one_language(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    chinese = shown(path, capsys)
    assert "用法：tuixuan" in chinese
    assert CHINESE.search(chinese)
    assert not ENGLISH_FRAME.search(chinese)

    english = shown(path, capsys, "--lang", "en")
    assert "Usage: tuixuan" in english
    assert not CHINESE.search(english)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    assert shown(path, capsys) == english
    assert shown(path, capsys, "--lang=zh") == chinese


def test_the_english_catalogue_has_what_help_says_and_nothing_else() -> None:
    said = {" ".join(text.split()) for text in texts() if CHINESE.search(text)}
    root = {"推选：征集推选全过程，从草稿到公布。"}
    root |= {"每条命令都接受上述选项，写在命令名之前或之后均可；详见 tuixuan 命令 --help。"}
    known = {" ".join(zh.split()) for zh in json.loads(CATALOGUE.read_text(encoding="utf-8"))}
    assert known == said | root


def test_every_command_and_parameter_says_what_it_is() -> None:
    for path, command in every().items():
        assert command.help, path
        for each in command.params:
            assert getattr(each, "help", None), (path, each.name)


def test_wrong_use_is_explained_in_the_language_of_the_reader(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["case", "lisst", "--lang", "en"]) == 2
    assert "No such command 'lisst'" in capsys.readouterr().err
    assert run(["case", "lisst", "--lang", "zh"]) == 2
    assert "没有命令 'lisst'" in capsys.readouterr().err


QUESTIONS = [
    ("停留最久", "longest waiting", ("case", "list"), ("--waiting", "--body")),
    ("本周到期", "due this week", ("case", "list"), ("--due-before",)),
    ("为什么不动", "stuck", ("case", "show"), ()),
    ("谁没有收到提醒", "not reminded", ("delivery", "unreached"), ()),
    ("再次投递", "Send it again", ("delivery", "retry"), ()),
    ("单独延长", "one unit", ("season", "extend"), ()),
    ("失败", "failures", ("webhook", "list"), ()),
    ("昨夜", "last night", ("event", "list"), ("--since",)),
    ("尚未发布", "not published", ("event", "backlog"), ()),
    ("昨日以来", "since yesterday", ("audit", "entries"), ("--since",)),
]
"""What a newcomer asks, the words of both languages, and the one command that answers."""


@pytest.mark.parametrize(("zh", "en", "path", "options"), QUESTIONS)
def test_a_newcomer_finds_each_answer_by_help_alone(
    zh: str,
    en: str,
    path: tuple[str, str],
    options: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    group, name = path
    for language, words in (("zh", zh), ("en", en)):
        assert group in shown((), capsys, "--lang", language)
        listed = shown((group,), capsys, "--lang", language)
        assert re.search(rf"^  {name} ", listed, re.MULTILINE)
        whole = " ".join(shown(path, capsys, "--lang", language).split())
        assert words.replace(" ", "") in whole.replace(" ", "")
        assert all(option in whole for option in options)


BASH = """
eval "$(tuixuan completion bash)"
COMP_WORDS=({words}); COMP_CWORD={last}; COMPREPLY=()
_tuixuan_completion tuixuan
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tuixuan sea", ["season"]),
        ("tuixuan season mo", ["move"]),
        ("tuixuan case list --due-", ["--due-before", "--due-after"]),
        ("tuixuan completion fi", ["fish"]),
    ],
)
def test_bash_completes_commands_options_and_choices(words: str, found: list[str]) -> None:
    script = BASH.format(words=words, last=len(words.split()) - 1)
    assert in_shell("bash", "-c", script).split() == found


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_read_their_scripts(shell: str, tmp_path: Path) -> None:
    script = in_shell("bash", "-c", f"tuixuan completion {shell}")
    assert f"{ASKED}=complete_{shell}" in script
    if shutil.which(shell) is not None:
        file = tmp_path / "script"
        file.write_text(script)
        assert in_shell(shell, "-n", str(file)) == ""


def in_shell(*command: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, env={**os.environ, "PATH": path}
    )
    return done.stdout
