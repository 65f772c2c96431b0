"""Parameters that several commands share."""

from typing import Annotated

import typer

MOST = 2_147_483_647
"""What an integer column of the databases holds at most."""

Limit = Annotated[int, typer.Option(min=1, max=200, help="最多多少条")]
Cursor = Annotated[str | None, typer.Option(help="上一页给出的 next_cursor")]
