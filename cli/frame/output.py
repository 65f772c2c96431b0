"""Writes data to stdout in the form that was asked for, and messages to stderr."""

# ruff: noqa: ANN401 - data of any shape

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer

from cli.frame.options import Output, options
from models.refusals import Refused

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of cells that a spreadsheet takes for formulas."""

Columns = Sequence[str] | Mapping[str, str]
"""The keys to show, or key → heading."""


def show(data: Any, columns: Columns | None = None) -> None:
    """Write one object, a page of a list (`{items, next_cursor}`), or a list of objects.

    Args:
        data: A dict, a pydantic model, or a list of either; JSON gets all of it.
        columns: What tables and CSV show; by default every key that is no list or object.
    """
    plain = plain_data(data)
    chosen = options().output
    if chosen is Output.JSON:
        print(json.dumps(plain, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))
        return
    one = isinstance(plain, dict) and "items" not in plain
    rows = [plain] if one else plain["items"] if isinstance(plain, dict) else plain
    headings = _headings(rows, columns)
    if chosen is Output.CSV:
        sys.stdout.write(_csv(rows, headings))
    elif chosen is Output.TABLE or sys.stdout.isatty():
        _table(rows, headings, one=one)
    else:
        _lines(rows, headings, one=one)
    if isinstance(plain, dict) and plain.get("next_cursor"):
        say(f"还有更多：--cursor {plain['next_cursor']}")


def show_page(
    items: Sequence[Any], columns: Columns | None = None, *, limit: int | None = None
) -> None:
    """Write a list.

    Args:
        items: Models or dicts; where there is a limit, each has an `id`.
        columns: As in `show`.
        limit: How many were asked for; a full page shows the cursor of the next one.
    """
    full = limit is not None and len(items) == limit
    show({"items": items, "next_cursor": items[-1].id if full else None}, columns)


def say(message: str) -> None:
    """Write a message for people beside the data, unless `--quiet` was given."""
    if not options().quiet:
        print(message, file=sys.stderr)


def confirm(question: str) -> None:
    """Ask before something that cannot be undone; `--yes` answers.

    Raises:
        Refused: The answer is no, or nobody is there to ask.
    """
    if options().yes:
        return
    if not sys.stdin.isatty():
        raise Refused("confirmation_needed", f"{question}请加 --yes 确认。")
    if not typer.confirm(question, err=True):
        raise Refused("not_confirmed", "已取消，未作任何更改。")


def plain_data(data: Any) -> Any:
    """Return data as dicts, lists and the plain values of JSON."""
    if hasattr(data, "model_dump"):
        return data.model_dump(mode="json")
    if isinstance(data, Mapping):
        return {str(key): plain_data(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain_data(item) for item in data]
    if isinstance(data, datetime):
        return data.isoformat()
    return data if isinstance(data, str | int | float | bool | None) else str(data)


def _headings(rows: Iterable[Mapping[str, Any]], columns: Columns | None) -> dict[str, str]:
    if isinstance(columns, Mapping):
        return dict(columns)
    if columns is not None:
        return {key: key for key in columns}
    return {
        key: key for row in rows for key, value in row.items() if not isinstance(value, dict | list)
    }


def _cell(value: Any) -> str:
    """Return a value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _csv(rows: Iterable[Mapping[str, Any]], headings: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings.values())
    for row in rows:
        writer.writerow(neutral(_cell(row.get(key))) for key in headings)
    return text.getvalue()


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _lines(rows: Iterable[Mapping[str, Any]], headings: Mapping[str, str], *, one: bool) -> None:
    """Write lines for `cut`, `grep` and `awk`: tabs between cells, no line breaks in them."""
    if not one:
        print("\t".join(headings.values()))
    for row in rows:
        cells = {key: " ".join(_cell(row.get(key)).split()) for key in headings}
        if one:
            for key, cell in cells.items():
                print(f"{headings[key]}\t{cell}")
        else:
            print("\t".join(cells.values()))


def _table(rows: Iterable[Mapping[str, Any]], headings: Mapping[str, str], *, one: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_header=not one)
    for heading in ["", ""] if one else headings.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = {key: Text(_cell(row.get(key))) for key in headings}
        if one:
            for key, cell in cells.items():
                table.add_row(Text(headings[key], style="dim"), cell)
        else:
            table.add_row(*cells.values())
    Console(highlight=False).print(table)
