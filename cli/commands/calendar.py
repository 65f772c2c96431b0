"""`tuixuan calendar`: the working days on record."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    missing: Annotated[
        bool, typer.Option("--missing", help="只列在办案例用得到而尚未录入的年份")
    ] = False,
) -> None:
    """列出已有工作日安排的年份；没有的年份不推算提醒。"""
    from cli.connections.databases import record
    from cli.frame.output import show
    from services.dates.working_days import uncovered, years

    columns = {"year": "年份", "days": "天数", "working": "工作日", "source": "来源"}
    with record() as engine:
        items = [{"year": year} for year in uncovered(engine)] if missing else years(engine)
    show({"items": items, "next_cursor": None}, {"year": "年份"} if missing else columns)


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
    from cli.commands.calendarwork import enter

    enter(year, file)
