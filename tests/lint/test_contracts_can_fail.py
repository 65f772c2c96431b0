"""Each import contract breaks on the errors planted for it, and on nothing else.

Everything is planted at once, so that the graph of imports is built twice and not once a file.
What a contract says is read from its own part of the output, and each line names the file in
which the error was planted.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.lint.planting import PLANTS, ROOT, Plant, check, planted

CONTRACTS: dict[str, dict[str, Any]] = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}
PACKAGES = [name for name, contract in CONTRACTS.items() if contract.get("exhaustive")]
PLANTED = [plant for plant in PLANTS if plant.check == "imports"]
NEW_ROOM = '"""A room that no contract names."""\n'


@pytest.fixture(scope="module")
def broken(tree: Path) -> dict[str, str]:
    """What each contract says once all is planted; the tree as it is breaks none."""
    assert check(tree, "imports")[0] == 0
    files = {plant.at: plant.text for plant in PLANTED}
    rooms = {f"{package}/planted.py": NEW_ROOM for package in PACKAGES}
    assert len(files | rooms) == len(PLANTED) + len(PACKAGES)
    with planted(tree, files | rooms):
        code, output = check(tree, "imports")
    assert code == 3, output
    return sections(output)


def sections(output: str) -> dict[str, str]:
    """Return what is said under the heading of each broken contract, by its id."""
    said = output.partition("Broken contracts")[2]
    # A heading is a line that is underlined.
    parts = re.split(r"^(\S.*)\n-+$", said, flags=re.MULTILINE)[1:]
    ids = {contract["name"]: name for name, contract in CONTRACTS.items()}
    return {ids[head]: text for head, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.name)
def test_a_contract_breaks_on_what_is_planted_for_it(broken: dict[str, str], plant: Plant) -> None:
    assert plant.contract is not None
    module = plant.at.removesuffix(".py").replace("/", ".")
    for line in plant.says:
        assert line.startswith(f"{module} -> ")
        assert re.search(rf"^- +{re.escape(line)} \(l\.", broken[plant.contract], re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_that_no_contract_names_is_found(broken: dict[str, str], package: str) -> None:
    unnamed = broken[package].partition("not listed as layers:")[2]
    assert re.findall(r"^- (\S+)$", unnamed, re.MULTILINE) == [f"{package}.planted"]


def test_every_contract_has_something_planted() -> None:
    assert {each.contract for each in PLANTED} == set(CONTRACTS)


def test_every_package_of_ours_has_a_contract_for_its_rooms() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert sorted(PACKAGES) == sorted(project["tool"]["importlinter"]["root_packages"])
