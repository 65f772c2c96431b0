"""Errors that are planted on purpose, and a copy of the project to plant them in."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("activities", "cli", "models", "portal", "scripts", "services", "workers", "workflows")


@dataclass(frozen=True)
class Plant:
    """One file of planted/. `at`: where it lies while the check must fail."""

    name: str
    check: str
    at: str
    says: Sequence[str]
    text: str
    contract: str | None = None


def read(path: Path) -> Plant:
    lines = path.read_text().splitlines()
    marks = []
    for line in lines:
        if not line.startswith("# "):
            break
        key, _, value = line[2:].partition(": ")
        marks.append((key, value))
    one = dict(marks)
    return Plant(
        name=path.stem,
        check=one["check"],
        at=one["at"],
        says=[value for key, value in marks if key == "says"],
        text="\n".join(lines[len(marks) :]) + "\n",
        contract=one.get("contract"),
    )


PLANTS = [read(path) for path in sorted(Path(__file__).with_name("planted").glob("*.py"))]


@contextmanager
def planted(tree: Path, files: dict[str, str]) -> Iterator[None]:
    """Write files (path → text) into the tree for the length of a block."""
    before = {at: (tree / at).read_bytes() for at in files if (tree / at).exists()}
    for at, text in files.items():
        (tree / at).write_text(text)
    try:
        yield
    finally:
        for at in files:
            (tree / at).unlink()
        for at, content in before.items():
            (tree / at).write_bytes(content)


def check(tree: Path, name: str, *arguments: str) -> tuple[int, str]:
    """Run one check as `make check` runs it; return its exit code and its output."""
    command = [sys.executable, "scripts/check.py", name, "--", *arguments]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
