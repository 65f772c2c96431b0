"""The pages tell the truth: links lead somewhere, and what they name exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from cli.main import COMMANDS, load
from models.cases.actors import Role
from services.reconcile.differences import Kind
from workers.settings.environment import KNOWN, SECRET_FILE, leaves
from workers.settings.stack import StackSettings

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
DECISIONS = sorted(ROOT.glob("docs/decisions/*.md"))
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"var", "build", "dist"}
PLACEHOLDERS = re.compile(r"[<*…]|NAME|NNNN")
WORDED = [ROOT / "docs" / "architecture.md", ROOT / "docs" / "operations.en.md", *DECISIONS]
OLD_WORDS = r"\b(?:deeds?|lookers?|puts? up|put aside|told|telling|is away|shelf|desks?)\b"
"""Words that the glossary of docs/architecture.md replaced."""

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str) -> Iterator[str]:
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if kind in ("", "sh", "bash", "console", "command"):
            yield from block.splitlines()


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(text))


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {anchor(found) for found in re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)}


def commands(text: str) -> Iterator[list[str]]:
    """Yield each command of ours that a page tells people to type."""
    typed = [*blocks(text), *(span for span in spans(text) if span.startswith("tuixuan "))]
    for line in typed:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words and words[0] in ("tuixuan", ".venv/bin/tuixuan") and "|" not in words:
            yield words[1:]


def find(words: list[str]) -> Any:
    """Return the command that a line means; its options are checked on the way."""
    name, *rest = [word for word in words if not word.startswith("-")] or ["--help"]
    assert name in COMMANDS or name == "--help", words
    command: Any = load(name) if name in COMMANDS else None
    if rest and COMMANDS.get(name) is not None and COMMANDS[name].group:
        assert rest[0] in command.commands, words
        command = command.commands[rest[0]]
    return command


@page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, part = target.partition("#")
        path = (page.parent / name) if name else page
        assert path.exists(), target
        assert not part or part in anchors(path), target


@page
def test_files_that_are_named_exist(page: Path) -> None:
    for span in spans(page.read_text()):
        if re.fullmatch(r"[\w.-]+(/[\w.*-]*)+", span) and span.split("/")[0] in FOLDERS:
            assert PLACEHOLDERS.search(span) or (ROOT / span).exists(), span


@page
def test_commands_that_are_named_exist_and_take_their_options(page: Path) -> None:
    for words in commands(page.read_text()):
        command = find(words)
        if words[0] == "temporal":  # what follows is Temporal's own
            continue
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        known = {"--help"} | {option for each in command.params for option in each.opts}
        assert given <= known, words


@page
def test_targets_of_make_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [*blocks(page.read_text()), *spans(page.read_text())]
    wanted = {match[1] for match in (re.match(r"make ([a-z-]+)", line) for line in named) if match}
    assert wanted <= targets


@page
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {*(variable for variable, _ in leaves(StackSettings)), *KNOWN}
    for name in re.findall(r"\bTUIXUAN_[A-Z_]+[A-Z]\b(?!…)", page.read_text()):
        if not name.startswith(("TUIXUAN_EVENTS", "TUIXUAN_DEAD")):  # the streams
            assert name.removesuffix(SECRET_FILE) in known, name


def test_every_decision_has_its_parts_and_is_listed() -> None:
    listed = (ROOT / "docs" / "architecture.md").read_text()
    for number, path in enumerate(DECISIONS, start=1):
        text = path.read_text()
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Rejected",
        ]
        assert f"](decisions/{path.name})" in listed


def test_both_readmes_show_the_same_commands_and_variables() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    assert list(commands(english.read_text())) == list(commands(chinese.read_text()))
    variables = r"`((?:TUIXUAN|TEMPORAL|NATS|DATABASE|LOG|__)[A-Z_]+)`"
    assert re.findall(variables, english.read_text()) == re.findall(variables, chinese.read_text())


def test_roles_that_the_words_of_architecture_name_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert set(re.findall(r"role `(\w+)`", text)) <= set(Role)


@pytest.mark.parametrize("path", WORDED, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_the_words_of_the_glossary(path: Path) -> None:
    text = re.sub(r"`[^`\n]+`|\]\([^)]+\)", "", prose(path.read_text()))
    assert re.findall(OLD_WORDS, text, re.IGNORECASE) == []


def test_operations_in_chinese_and_in_english_are_twins() -> None:
    """The same headings, answers, tables and names in the same order; each in its language."""
    chinese, english = (ROOT / "docs" / f"operations.{name}" for name in ("md", "en.md"))
    zh, en = chinese.read_text(), english.read_text()
    heading = r"^(#+)(?: (\d+)\.)? "
    assert re.findall(heading, zh, re.MULTILINE) == re.findall(heading, en, re.MULTILINE)
    block = r"^```.*?^```"
    flags = re.MULTILINE | re.DOTALL
    assert re.findall(block, zh, flags) == re.findall(block, en, flags)
    for in_zh, in_en in zip(*(re.split(r"(?m)^#+ ", text) for text in (zh, en)), strict=True):
        assert sorted(spans(in_zh)) == sorted(spans(in_en)), in_en.partition("\n")[0]
        assert in_zh.count("\n|") == in_en.count("\n|")
        assert re.findall(r"!\[[^]]*\](\S+)", in_zh) == re.findall(r"!\[[^]]*\](\S+)", in_en)
    bare = re.sub(r"`[^`\n]+`", "", prose(en))
    assert not re.search(r"[\u4e00-\u9fff]", bare)
    for line in prose(zh).splitlines():
        assert (
            len(re.findall(r"[A-Za-z]+", re.sub(r"`[^`]+`|\S+\.(?:md|png)|“[^”]+”", "", line))) < 6
        )


@pytest.mark.parametrize("name", ["operations.md", "operations.en.md"])
def test_each_kind_of_difference_is_explained_to_operators(name: str) -> None:
    text = (ROOT / "docs" / name).read_text()
    table = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    assert set(get_args(Kind.__value__)) <= set(re.findall(r"`(\w+)`", table))
