"""Draw the rooms of the house in `docs/architecture.md` from the import contracts.

What may import what is `[tool.importlinter]` of pyproject.toml; what lives in a room is the first
line of its docstring. The page repeats both and says nothing of its own.
"""

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- rooms: written by `make docs` from pyproject.toml and the docstrings -->\n"
END = "<!-- end of rooms -->\n"

type Floors = Sequence[Sequence[str]]
"""Names from the top floor to the lowest; those on one floor stand side by side."""


@dataclass(frozen=True)
class House:
    """Packages on their floors, and the rooms of each package on theirs.

    Attributes:
        packages: The packages.
        rooms: Package → its rooms.
        rules: The other contracts: what must not be imported besides.
    """

    packages: Floors
    rooms: Mapping[str, Floors]
    rules: Sequence[Mapping[str, Any]] = ()


def read_house(root: Path = ROOT) -> House:
    """Read the house from the contracts of pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = {each["id"]: _floors(each["layers"]) for each in contracts if "layers" in each}
    packages = layers["layers"]
    return House(
        packages=packages,
        rooms={name: _standing(root / name, layers[name]) for floor in packages for name in floor},
        rules=[each for each in contracts if each["type"] != "layers"],
    )


def _floors(layers: Sequence[str]) -> Floors:
    """Take layers apart: `a : b` and `a | b` stand side by side, `(a)` need not exist."""
    return [[name.strip(" ()") for name in layer.replace("|", ":").split(":")] for layer in layers]


def _standing(package: Path, floors: Floors) -> Floors:
    """Leave out rooms that a contract allows and that are not built yet."""
    built = [[room for room in floor if source(package, room)] for floor in floors]
    return [floor for floor in built if floor]


def source(package: Path, room: str) -> Path | None:
    """Return the file whose docstring tells of a room: a module or a package."""
    files = (package / f"{room}.py", package / room / "__init__.py")
    return next((path for path in files if path.exists()), None)


def picture(house: House) -> str:
    """Draw packages as boxes and their rooms as lines, each above what it may import."""
    rows = [[(name, house.rooms[name]) for name in floor] for floor in house.packages]
    width = max(sum(_width(box) + 5 for box in row) - 1 for row in rows)
    return "\n".join(line for row in rows for line in _row(row, width))


def _width(box: tuple[str, Floors]) -> int:
    name, floors = box
    return max([len(name) + 2, *(len("  ".join(floor)) for floor in floors)])


def _row(boxes: Sequence[tuple[str, Floors]], width: int) -> Iterator[str]:
    """Yield the lines of boxes side by side, all of one height, `width` columns wide in all."""
    widths = [_width(box) for box in boxes]
    widths[0] += width - (sum(widths) + 5 * len(boxes) - 1)
    sized = list(zip(boxes, widths, strict=True))
    yield " ".join(f"┌─ {name} {'─' * (w - len(name) - 1)}┐" for (name, _), w in sized)
    for line in range(max(1, *(len(floors) for _, floors in boxes))):
        texts = ["  ".join(floors[line]) if line < len(floors) else "" for _, floors in boxes]
        yield " ".join(f"│ {text:{w}} │" for text, w in zip(texts, widths, strict=True))
    yield " ".join(f"└{'─' * (w + 2)}┘" for w in widths)


def tables(house: House, root: Path = ROOT) -> Iterator[str]:
    """Yield a heading and a table for each package: its rooms, from the top floor down."""
    for name in (name for floor in house.packages for name in floor):
        may = _may_import(house, name)
        yield f"\n### `{name}/`\n\n{purpose(root / name / '__init__.py')} {may}\n"
        floors = house.rooms[name]
        if floors:
            yield "\n| floor | room | what lives there |\n|---|---|---|\n"
        for number, floor in zip(range(len(floors), 0, -1), floors, strict=True):
            for room in floor:
                path = source(root / name, room)
                assert path is not None  # noqa: S101 - rooms that are not built were left out
                place = path.parent if path.name == "__init__.py" else path
                shown = f"{place.relative_to(root)}" + ("/" if place.is_dir() else "")
                yield f"| {number} | `{shown}` | {purpose(path)} |\n"


def _may_import(house: House, package: str) -> str:
    """Return what the rooms of a package may import, as a sentence."""
    floor = next(index for index, names in enumerate(house.packages) if package in names)
    beside = [name for name in house.packages[floor] if name != package]
    below = [name for names in house.packages[floor + 1 :] for name in names]
    others = f", and {_listed([*beside, *below])}" if beside or below else ""
    return f"Each room may import the floors under it{others}."


def purpose(path: Path) -> str:
    """Return the first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def bans(house: House) -> Iterator[str]:
    """Yield what contracts forbid besides the floors."""
    for each in house.rules:
        if each["type"] == "protected":
            yield f"- {each['name']} ({_listed(each['protected_modules'])}).\n"
            continue
        spared = [line.partition(" ->")[0] for line in each.get("ignore_imports", ())]
        rooms = sorted({name.removesuffix(".**") for name in spared})
        but = f" (but for {_listed(rooms)})" if rooms else ""
        sources, banned = _listed(each["source_modules"]), _listed(each["forbidden_modules"])
        yield f"- {each['name']}: {sources}{but} never imports {banned}.\n"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def block(house: House, root: Path = ROOT) -> str:
    """Return what stands between the two marks of the page."""
    drawn = f"\n```text\n{picture(house)}\n```\n\n"
    return drawn + "".join([*bans(house), *tables(house, root), "\n"])


def rewritten(page: str, text: str) -> str:
    """Return a page with `text` between its marks.

    Raises:
        ValueError: A mark is missing.
    """
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return page[:start] + text + page[end:]
