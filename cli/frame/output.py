"""Writes data to stdout in the form that was asked for, and messages to stderr."""

# ruff: noqa: ANN401 - data of any shape

import codecs
import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer

from cli.frame.cells import Beginning, cell, machine_instant
from cli.frame.headings import heading
from cli.frame.language import Language
from cli.frame.options import Output, options
from cli.frame.table import Sheet, print_table
from cli.frame.visible import visible, visible_json
from models.refusals import Refused

_FORMULA = re.compile(r"[\t\r]|[\s\ufeff]*[=+\-@＝＋－＠]")
"""How cells begin that a spreadsheet takes for formulas, some only after a line break."""

_SAID_TWICE = frozenset({"state_label"})
"""Keys that programs have besides another one, which people read in words."""

Columns = Sequence[str] | Mapping[str, str]
"""The keys to show, or key → heading."""


def show(data: Any, columns: Columns | None = None) -> None:
    """Write one object, a page of a list (`{items, next_cursor}`), or a list of objects.

    JSON has code names and instants as programs read them; all else is for people.

    Args:
        data: A dict, a pydantic model, or a list of either; JSON gets all of it.
        columns: What tables and CSV show; by default every key that is no list or object.
    """
    plain = plain_data(data)
    chosen = options().output
    if chosen is Output.JSON:
        indent = 2 if sys.stdout.isatty() else None
        # 😀 is an escape of JSON where the terminal has no such character.
        ascii_ = not _writes_unicode()
        text = json.dumps(plain, ensure_ascii=ascii_, indent=indent, default=machine_instant)
        print(visible_json(text))
        return
    one = isinstance(plain, dict) and "items" not in plain
    rows = [plain] if one else plain["items"] if isinstance(plain, dict) else plain
    sheet = _sheet(rows, columns, one=one, dated=chosen is Output.CSV)
    if chosen is Output.CSV:
        sys.stdout.write(_csv(sheet))
    elif chosen is Output.TABLE or sys.stdout.isatty():
        print_table(sheet)
    else:
        _lines(sheet)
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
        print(visible(message), file=sys.stderr)


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
    """Return data as dicts, lists, instants and the plain values of JSON."""
    if hasattr(data, "model_dump"):
        return plain_data(data.model_dump())
    if isinstance(data, Mapping):
        return {str(key): plain_data(value) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [plain_data(item) for item in data]
    simple = str | int | float | bool | datetime | Beginning | None
    return data if isinstance(data, simple) else str(data)


def _sheet(
    rows: Sequence[Mapping[str, Any]], columns: Columns | None, *, one: bool, dated: bool
) -> Sheet:
    language = options().language
    headings = _headings(rows, columns, language)
    cells = [[cell(key, row.get(key), language, dated=dated) for key in headings] for row in rows]
    return Sheet([*headings], [*headings.values()], cells, one=one)


def _headings(
    rows: Iterable[Mapping[str, Any]], columns: Columns | None, language: Language
) -> dict[str, str]:
    if isinstance(columns, Mapping):
        return {key: heading(key, language, chosen) for key, chosen in columns.items()}
    if columns is not None:
        return {key: heading(key, language) for key in columns}
    return {
        key: heading(key, language)
        for row in rows
        for key, value in row.items()
        if not isinstance(value, dict | list) and key not in _SAID_TWICE
    }


def _csv(sheet: Sheet) -> str:
    text = io.StringIO()
    if _writes_unicode():
        text.write("\ufeff")  # without it a Chinese Excel takes the file for GBK
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(sheet.headings)
    for row in sheet.rows:
        writer.writerow(map(neutral, row))
    return text.getvalue()


def _writes_unicode() -> bool:
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"


def neutral(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _lines(sheet: Sheet) -> None:
    """Write lines for `cut`, `grep` and `awk`: tabs between cells, no line breaks in them."""
    rows = [[" ".join(each.split()) for each in row] for row in sheet.rows]
    if not sheet.one:
        print("\t".join(sheet.headings))
    for row in rows:
        if sheet.one:
            for name, each in zip(sheet.headings, row, strict=True):
                print(f"{name}\t{each}")
        else:
            print("\t".join(row))
