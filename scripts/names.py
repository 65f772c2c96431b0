"""Find names that say a thing twice, or two things: the check `names`.

A file or folder does not repeat the name of its folder (`webhooks/webhook_log.py`), and no two
classes of the product share a name.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path


def repeats(path: Path) -> bool:
    """Tell whether a file or folder begins with the name of its folder, singular or plural."""
    one = re.escape(path.parent.name.removesuffix("s"))
    return re.match(rf"{one}s?(_|$)", path.stem) is not None


def classes(path: Path) -> Iterator[str]:
    """Yield the names of all classes in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node.name


def problems(packages: list[str]) -> Iterator[str]:
    """Yield what is named wrong in these packages."""
    files = [path for package in packages for path in sorted(Path(package).rglob("*.py"))]
    for path in dict.fromkeys([*files, *(path.parent for path in files)]):
        if len(path.parts) > 1 and repeats(path):
            yield f"{path.as_posix()}: the name repeats the name of its folder"
    homes = defaultdict(list)
    for path in files:
        for name in classes(path):
            homes[name].append(path.as_posix())
    for name, places in sorted(homes.items()):
        if len(places) > 1:
            yield f"class {name} stands in {' and in '.join(places)}"


def main() -> int:
    """Print what is wrong and return 3 if there is anything."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    wrong = list(problems(project["tool"]["importlinter"]["root_packages"]))
    print("\n".join(wrong))
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
