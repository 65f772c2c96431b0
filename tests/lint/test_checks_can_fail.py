"""Each check finds the errors planted for it, run as `make check` runs it.

A file in planted/ says in its first lines which check must fail, where the file lies while it
does, and what the check must say.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.check import TOOLS

ROOT = Path(__file__).resolve().parents[2]
PLANTED = sorted(Path(__file__).with_name("planted").glob("*.py"))
FOLDERS = ("activities", "cli", "models", "scripts", "services", "workers", "workflows")
NARROW = {"format", "lint", "types"}
"""Checks that judge each file alone, so that they need to look at one only."""


@dataclass(frozen=True)
class Plant:
    check: str
    at: str
    says: list[str]
    text: str


def read(path: Path) -> Plant:
    lines = path.read_text().splitlines()
    marks = [
        line[2:].split(": ", 1) for line in lines if line.startswith(("# check", "# at", "# says"))
    ]
    texts = [text for key, text in marks if key == "says"]
    first = dict(reversed(marks))
    return Plant(first["check"], first["at"], texts, "\n".join(lines[len(marks) :]) + "\n")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def check(tree: Path, name: str, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "scripts/check.py", name, "--", *arguments]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    # Long findings are broken into lines.
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.stem)
def test_a_check_finds_what_is_planted_for_it(tree: Path, path: Path) -> None:
    plant = read(path)
    place = tree / plant.at
    before = place.read_bytes() if place.exists() else None
    narrow = plant.check in NARROW
    without = "" if narrow else check(tree, plant.check)[1]
    place.write_text(plant.text)
    try:
        code, output = check(tree, plant.check, *([plant.at] if narrow else []))
    finally:
        place.unlink()
        if before is not None:
            place.write_bytes(before)

    assert code == 3, output
    assert {text: text in output for text in plant.says} == dict.fromkeys(plant.says, True), output
    assert [text for text in plant.says if text in without] == []


def test_every_check_has_something_planted() -> None:
    assert {read(path).check for path in PLANTED} == set(TOOLS)


def test_a_dependency_that_nothing_uses_is_found(tree: Path) -> None:
    pyproject = tree / "pyproject.toml"
    before = pyproject.read_text()
    pyproject.write_text(before.replace("dependencies = [", 'dependencies = [\n    "attrs",', 1))
    try:
        code, output = check(tree, "dependencies")
    finally:
        pyproject.write_text(before)

    assert code == 3
    assert "DEP002 'attrs' defined as a dependency but not used" in output
