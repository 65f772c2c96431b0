"""Each check finds the errors planted for it, run as `make check` runs it.

A file in planted/ says in its first lines which check must fail, where the file lies while it
does, and what the check must say. Those of the import contracts are in
`test_contracts_can_fail.py`.
"""

from pathlib import Path

import pytest

from scripts.check import TOOLS
from tests.lint.planting import PLANTS, Plant, check, planted

NARROW = {"format", "lint", "types"}
"""Checks that judge each file alone, so that they need to look at one only."""


@pytest.mark.parametrize(
    "plant", [each for each in PLANTS if each.check != "imports"], ids=lambda plant: plant.name
)
def test_a_check_finds_what_is_planted_for_it(tree: Path, plant: Plant) -> None:
    narrow = plant.check in NARROW
    without = "" if narrow else one_line(check(tree, plant.check)[1])
    with planted(tree, {plant.at: plant.text}):
        code, output = check(tree, plant.check, *([plant.at] if narrow else []))

    said = one_line(output)
    assert code == 3, output
    assert {text: text in said for text in plant.says} == dict.fromkeys(plant.says, True), output
    assert [text for text in plant.says if text in without] == []


def test_every_check_has_something_planted() -> None:
    assert {plant.check for plant in PLANTS} == set(TOOLS)


def test_a_dependency_that_nothing_uses_is_found(tree: Path) -> None:
    pyproject = tree / "pyproject.toml"
    text = pyproject.read_text().replace("dependencies = [", 'dependencies = [\n    "attrs",', 1)
    with planted(tree, {"pyproject.toml": text}):
        code, output = check(tree, "dependencies")

    assert code == 3
    assert "DEP002 'attrs' defined as a dependency but not used" in one_line(output)


LONG = "services/planted.py"
EXCEPTIONS = "[tool.tuixuan.sizes.exceptions]\n"


@pytest.mark.parametrize(
    ("lines", "exception", "says"),
    [
        (250, "", None),
        (251, "", f"{LONG}: 251 lines, at most 250 are allowed"),
        (251, f'"{LONG}" = "it is a table"', None),
        (251, f'"{LONG}" = ""', f"{LONG}: the exception has no reason"),
        (250, f'"{LONG}" = "it is a table"', f"{LONG}: the exception is not needed any more"),
        (251, '"services/" = "all of it"', None),
        (250, '"absent/" = "it was moved"', "absent/: the exception is not needed any more"),
    ],
)
def test_a_module_that_is_too_long_needs_a_reason(
    tree: Path, lines: int, exception: str, says: str | None
) -> None:
    pyproject = (tree / "pyproject.toml").read_text()
    before, start, _ = pyproject.partition(EXCEPTIONS)
    assert start
    planted_files = {LONG: "# a line\n" * lines, "pyproject.toml": f"{before}{start}{exception}\n"}
    with planted(tree, planted_files):
        output = check(tree, "sizes")[1]

    found = [line for line in output.splitlines() if LONG in line or "exception" in line]
    assert found == ([] if says is None else [says])


def one_line(output: str) -> str:
    """Long findings are broken into lines."""
    return " ".join(output.split())
