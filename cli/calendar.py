"""`tuixuan calendar`: the working days on record."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """列出已有工作日安排的年份；没有的年份不推算提醒。"""
    from cli.output import show
    from cli.record import record
    from services.calendar import years

    with record() as engine:
        show({"items": years(engine), "next_cursor": None})


@app.command("set")
def set_(
    year: Annotated[int, typer.Argument(metavar="YEAR", min=2000, max=2100, help="年份")],
    file: Annotated[
        Path,
        typer.Option(
            "--from", metavar="FILE", dir_okay=False,
            help="TOML：holidays = [日期…]，workdays = [调休上班的周末日期…]",
        ),
    ],
) -> None:  # fmt: skip
    """录入一年的放假安排（其余日期周一至周五上班），并重排各案例的提醒。"""
    from cli.calendarwork import enter

    enter(year, file)
