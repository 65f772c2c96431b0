"""Find modules and functions that are too long: the check `sizes`.

The limits, and the exceptions with their reasons, are in `[tool.tuixuan.sizes]` of pyproject.toml.
A module's size is its number of lines. A function's size is its number of lines from `def` on,
without its docstring and its decorators. An exception that is a folder (`path/`) holds for
everything in it.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

type Function = ast.FunctionDef | ast.AsyncFunctionDef


class Size(NamedTuple):
    """The size of a module or a function.

    Attributes:
        name: `path` of a module, `path:function` or `path:Class.method` of a function.
        lines: How long it is.
        limit: How long it may be.
    """

    name: str
    lines: int
    limit: int


def function_lines(node: Function) -> int:
    """Return the size of a function."""
    assert node.end_lineno is not None  # noqa: S101 - parsed code has positions
    size = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        assert docstring.end_lineno is not None  # noqa: S101 - parsed code has positions
        size -= docstring.end_lineno - docstring.lineno + 1
    return size


def functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, Function]]:
    """Yield every function below a node with its qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, child
            yield from functions(child, f"{name}.")
        else:
            yield from functions(child, within)


def sizes(path: Path, limits: Mapping[str, Any]) -> Iterator[Size]:
    """Yield the size of a module and of each of its functions."""
    text = path.read_text(encoding="utf-8")
    yield Size(path.as_posix(), text.count("\n"), limits["module_lines"])
    for name, node in functions(ast.parse(text)):
        yield Size(f"{path.as_posix()}:{name}", function_lines(node), limits["function_lines"])


def problems(found: Mapping[str, Size], exceptions: Mapping[str, str]) -> Iterator[str]:
    """Yield what is too long without a reason, and exceptions without a use."""
    needed = set()
    for name, size in found.items():
        if size.lines > size.limit:
            excepted = {each for each in exceptions if _covers(each, name)}
            needed |= excepted
            if not excepted:
                yield f"{name}: {size.lines} lines, at most {size.limit} are allowed"
    for name, reason in exceptions.items():
        if not reason.strip():
            yield f"{name}: the exception has no reason"
        if name not in needed:
            yield f"{name}: the exception is not needed any more"


def _covers(exception: str, name: str) -> bool:
    return name == exception or (exception.endswith("/") and name.startswith(exception))


def main() -> int:
    """Print what is wrong and return 3 if there is anything."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    limits = project["tool"]["tuixuan"]["sizes"]
    found = {
        size.name: size
        for package in project["tool"]["importlinter"]["root_packages"]
        for path in sorted(Path(package).rglob("*.py"))
        for size in sizes(path, limits)
    }
    wrong = list(problems(found, limits["exceptions"]))
    print("\n".join(wrong))
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
