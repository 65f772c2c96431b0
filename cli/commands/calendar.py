"""`tuixuan calendar`: the working days on record."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.output import say, show, show_page

if TYPE_CHECKING:
    from cli.connections.services import Connections

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    missing: Annotated[
        bool, typer.Option("--missing", help="只列在办案例用得到而尚未录入的年份")
    ] = False,
) -> None:
    """列出已有工作日安排的年份；没有的年份不推算提醒。"""
    from cli.connections.databases import record
    from services.dates.working_days import uncovered, years

    with record() as engine:
        if missing:
            show_page([{"year": year} for year in uncovered(engine)], {"year": "年份"})
            return
        columns = {"year": "年份", "days": "天数", "working": "工作日", "source": "来源"}
        show_page(years(engine), columns)


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
    from cli.connections.services import connected
    from models.dates.arrangement import Arrangement
    from models.text.encodings import decode_text
    from services.dates.working_days import enter_year

    arrangement = Arrangement.from_toml(decode_text(file.read_bytes(), f"放假安排文件 {file}"))

    async def enter(here: "Connections") -> int:
        return await enter_year(here.engine, here.service, year, arrangement)

    cases = connected(enter)
    show({"year": year, "cases": cases})
    say(f"{year} 年的工作日安排已录入，{cases} 件案例已重排提醒。")
