"""`tuixuan season`: open seasons, look at them, move their dates.

Declarations only, as in `cli.commands.case`.
"""

from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from cli.frame.words import WHEN

app = typer.Typer(no_args_is_help=True)

Season = Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号，如 2024")]
Reason = Annotated[str, typer.Option("--reason", help="理由，会告知有关人员")]


@app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="征集方案（TOML）", dir_okay=False)],
    starting: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="改在这一天开始，其余日期顺移")
    ] = None,
    pace: Annotated[
        str | None, typer.Option(metavar="1d=SECONDS", help="演练用：一天按多少秒走")
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="征集季编号；默认用方案中的")] = None,
) -> None:
    """按方案文件开启一个征集季。"""
    _work().open_file(file, id_, None if starting is None else starting.date(), pace)


@app.command("list")
def list_() -> None:
    """列出所有征集季，新的在前。"""
    _work().list_all()


@app.command("show")
def show_(season: Season) -> None:
    """查看一个征集季及其日程（时间为截止的那一刻）。"""
    _work().show_one(season)


@app.command()
def move(
    season: Season,
    milestone: Annotated[str, typer.Argument(help="日程节点，如 cutoff（见 season show）")],
    when: Annotated[str, typer.Argument(metavar="WHEN", help=WHEN)],
    reason: Reason,
    body: Annotated[str | None, typer.Option(help="只调整这一推荐单位的 cutoff")] = None,
) -> None:
    """调整日程：受影响的案例全部重设期限与提醒，并通知有关人员。"""
    _work().move(season, milestone, when, reason, body)


@app.command()
def extend(
    season: Season,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="申报单位编号（见 case show）")],
    until: Annotated[str, typer.Argument(metavar="UNTIL", help=WHEN)],
    reason: Reason,
) -> None:
    """单独延长一个申报单位的申报截止时间（其所有草稿）。"""
    _work().extend(season, unit, until, reason)


def _work() -> ModuleType:
    """Import what the commands need, late."""
    from cli.commands import seasonwork

    return seasonwork
