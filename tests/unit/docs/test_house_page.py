"""The page of the house is drawn from the contracts, and what it names exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.house_page import (
    ROOT,
    House,
    bans,
    block,
    picture,
    purpose,
    read_house,
    rewritten,
    source,
    tables,
)

PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")
HOUSE = read_house()
PACKAGES = [name for floor in HOUSE.packages for name in floor]
ROOMS = [(name, room) for name in PACKAGES for floor in HOUSE.rooms[name] for room in floor]
LONGEST = 100
SMALL = House(
    packages=[["ui", "jobs"], ["core"]],
    rooms={"ui": [["app"]], "jobs": [["run", "retry"], ["queue"]], "core": [["rules"]]},
    rules=[
        {
            "name": "Pure",
            "type": "forbidden",
            "source_modules": ["core"],
            "forbidden_modules": ["time", "uuid"],
            "ignore_imports": ["core.sql -> **", "core.sql.** -> **"],
        },
        {"name": "Alone", "type": "protected", "protected_modules": ["jobs.run"]},
    ],
)


def section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table_rows(heading: str) -> list[list[str]]:
    """Return the cells of all rows of the tables of a section."""
    lines = re.findall(r"^\|(.+)\|$", section(heading), re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    heads = {index - 1 for index, row in enumerate(rows) if set(row[0]) == {"-"}}
    return [row for i, row in enumerate(rows) if i not in heads and i - 1 not in heads]


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return what a file, or the files of a folder, define; of no Python, every word."""
    if path.is_dir():
        return frozenset().union(*(names_in(each) for each in path.rglob("*.py")))
    text = path.read_text(encoding="utf-8")
    return frozenset(defined(text) if path.suffix == ".py" else re.findall(r"\w+", text))


def defined(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name))


def test_the_rooms_on_the_page_are_those_of_the_contracts() -> None:
    assert rewritten(TEXT, block(HOUSE)) == TEXT, "run: make docs"


def test_every_room_is_drawn_once_and_is_on_disk() -> None:
    built = {
        (package, path.stem)
        for package in PACKAGES
        for path in (ROOT / package).iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    assert sorted(ROOMS) == sorted(built)


@pytest.mark.parametrize(("package", "room"), ROOMS)
def test_the_first_line_of_a_room_says_what_lives_there(package: str, room: str) -> None:
    path = source(ROOT / package, room)
    assert path is not None
    said = purpose(path)
    assert said.endswith(".")
    assert 20 <= len(said) <= LONGEST
    assert "|" not in said


def test_a_house_is_drawn_from_its_roof_down() -> None:
    assert picture(SMALL).splitlines() == [
        "┌─ ui ─┐ ┌─ jobs ─────┐",
        "│ app  │ │ run  retry │",
        "│      │ │ queue      │",
        "└──────┘ └────────────┘",
        "┌─ core ──────────────┐",
        "│ rules               │",
        "└─────────────────────┘",
    ]


def test_every_room_has_a_row_with_its_floor(tmp_path: Path) -> None:
    for name in ("ui/app.py", "jobs/run.py", "jobs/retry.py", "core/rules.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'"""About {name}."""\n')
    (tmp_path / "jobs" / "queue").mkdir()
    (tmp_path / "jobs" / "queue" / "__init__.py").write_text('"""A queue.\n\nMore of it.\n"""\n')
    for package in ("ui", "jobs", "core"):
        (tmp_path / package / "__init__.py").write_text(f'"""The {package}."""\n')

    written = "".join(tables(SMALL, tmp_path))

    assert "The jobs. Each room may import the floors under it, and `ui`, `core`." in written
    assert "The core. Each room may import the floors under it.\n" in written
    assert [line for line in written.splitlines() if "jobs/" in line][1:] == [
        "| 2 | `jobs/run.py` | About jobs/run.py. |",
        "| 2 | `jobs/retry.py` | About jobs/retry.py. |",
        "| 1 | `jobs/queue/` | A queue. |",
    ]


def test_what_is_forbidden_besides_is_said() -> None:
    assert list(bans(SMALL)) == [
        "- Pure: `core` (but for `core.sql`) never imports `time`, `uuid`.\n",
        "- Alone (`jobs.run`).\n",
    ]


def test_a_page_without_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        rewritten("no marks", "")


@pytest.mark.parametrize("row", table_rows("Where is what"), ids=lambda row: row[0])
def test_what_one_looks_for_is_where_the_page_says(row: list[str]) -> None:
    _, file, name = row
    (place,) = spans(file)
    assert (ROOT / place).is_file()
    assert set(spans(name)) <= names_in(ROOT / place)


@pytest.mark.parametrize("row", table_rows("Words"), ids=lambda row: row[1])
def test_the_names_of_a_word_exist_where_the_page_says(row: list[str]) -> None:
    _, _, _, names, places, wire = row
    known = [names_in(ROOT / place) for place in spans(places)]
    assert set(spans(names)) <= frozenset().union(*known)
    assert all(set(spans(names)) & each for each in known)  # no place is named for nothing
    assert set(spans(wire)) <= wire_names()


@cache
def wire_names() -> frozenset[str]:
    """Return every name of a table, a column or a field, and every short text in the code."""
    texts = set(names_in(ROOT / "models"))
    for path in (ROOT / "models").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return frozenset(texts)


def test_no_word_is_explained_twice() -> None:
    rows = table_rows("Words")
    words = [row[1] for row in rows]
    chinese = [part for row in rows if row[0] for part in row[0].split("、")]
    assert len(rows) > 50
    assert sorted(set(words)) == sorted(words)
    assert sorted(set(chinese)) == sorted(chinese)
