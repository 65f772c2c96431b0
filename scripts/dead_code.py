"""Find code that nothing uses: vulture, without the fields that a class declares.

Rows, messages, settings and enumerations are read by name where Python cannot see it: by SQL,
JSON, TOML, the environment. Names that a class body declares with `=` or `:` may be such names.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture
from vulture.config import InputError, make_config
from vulture.core import Item


def declared(path: Path) -> Iterator[int]:
    """Yield the lines on which classes declare fields or members."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield from (s.lineno for s in node.body if isinstance(s, ast.Assign | ast.AnnAssign))


def unused() -> list[Item]:
    """Return what nothing uses, with the settings of [tool.vulture] in pyproject.toml."""
    config = make_config()
    vulture = Vulture(
        ignore_names=config["ignore_names"], ignore_decorators=config["ignore_decorators"]
    )
    vulture.scavenge(config["paths"], exclude=config["exclude"])
    found = vulture.get_unused_code(min_confidence=config["min_confidence"])
    fields = {path: set(declared(path)) for path in {item.filename for item in found}}
    return [i for i in found if i.typ != "variable" or i.first_lineno not in fields[i.filename]]


def main() -> int:
    """Print unused code and return 3 if there is any."""
    try:
        items = unused()
    except InputError as error:
        print(error)
        return 2
    for item in items:
        print(item.get_report())
    return 3 if items else 0


if __name__ == "__main__":
    sys.exit(main())
