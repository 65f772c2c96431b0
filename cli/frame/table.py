"""Tables on a terminal. What is copied from them, ids above all, never wraps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_ID = re.compile(r"(?:\S{1,12} )?[A-Za-z0-9][A-Za-z0-9_:.-]{0,63}")
"""One word of ASCII, as ids, numbers of cases and names of users are; before it a role's words."""

LEAST_WIDTH = 8
"""How narrow other columns may become before the lines grow beyond the terminal."""


@dataclass(frozen=True)
class Sheet:
    """What is shown, as text.

    Attributes:
        keys, headings: Of the columns.
        rows: Their cells.
        one: There is one row, shown key by key.
    """

    keys: Sequence[str]
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    one: bool


def print_table(sheet: Sheet) -> None:
    """Print a sheet as a table; where ids need more than the terminal has, lines are longer."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    headings, rows = (["", ""], _upright(sheet)) if sheet.one else (sheet.headings, sheet.rows)
    table = Table(box=box.SIMPLE_HEAD, show_header=not sheet.one)
    columns = [[row[place] for row in rows] for place in range(len(headings))]
    needed = sum(
        _add_column(table, heading, cells, whole=sheet.one and place == 0)
        for place, (heading, cells) in enumerate(zip(headings, columns, strict=True))
    )
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    Console(highlight=False, width=max(console.width, needed)).print(table)


def _upright(sheet: Sheet) -> list[tuple[str, str]]:
    return [pair for row in sheet.rows for pair in zip(sheet.headings, row, strict=True)]


def _add_column(table: "Table", heading: str, cells: Sequence[str], *, whole: bool) -> int:
    """Add a column that folds, but for its ids; return the least width that it needs.

    Args:
        table: To which.
        heading: Of the column.
        cells: Of the column.
        whole: It never folds.
    """
    from rich.cells import cell_len

    widest = max([cell_len(each) for each in (*cells, heading)])
    ids = max([cell_len(each) for each in cells if _ID.fullmatch(each)], default=0)
    least = widest if whole else max(min(widest, LEAST_WIDTH), ids)
    # Only a column that may not wrap is spared when columns are made narrower.
    table.add_column(heading, overflow="fold", min_width=least, no_wrap=least == widest)
    return least + 3  # what the box and the space around a cell take
