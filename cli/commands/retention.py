"""`tuixuan retention`: which data of a season has expired, and its removal."""

from typing import Annotated

import typer

from cli.frame.output import confirm, say, show, show_page

app = typer.Typer(no_args_is_help=True)

Season = Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号，如 2024")]
DUE_COLUMNS = {
    "name": "类别",
    "label": "内容",
    "days": "保存天数",
    "since": "起算",
    "due": "已到期",
    "oldest": "最早起算于",
}
REMOVED_COLUMNS = {"name": "类别", "label": "内容", "removed": "已清除", "deeds": "清除记录"}


@app.command("show")
def show_(season: Season) -> None:
    """查看各类资料的保存期限、已到期的数量，以及永久保存的内容。"""
    from cli.connections.databases import record
    from services.clock import now
    from services.retention.due import due
    from services.retention.views import FOREVER
    from services.seasons.lookup import find_season

    with record() as engine:
        season = find_season(engine, season)
        items = due(engine, now(), season)
    show({"items": items, "next_cursor": None, "forever": FOREVER}, DUE_COLUMNS)
    say(f"永久保存：{'、'.join(FOREVER)}。")


@app.command()
def apply(
    season: Season,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出将清除的数量，不清除")] = False,
) -> None:
    """清除已到期的资料：不能恢复；每次清除都留下记录，并由审计见证。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from services.clock import now
    from services.retention.due import due
    from services.retention.removal import removing, total
    from services.seasons.lookup import find_season

    by, at = viewer(), now()
    with record() as engine:
        season = find_season(engine, season)
        items = due(engine, at, season)
        count = sum(each.due for each in items)
        if dry_run:
            show_page(items, DUE_COLUMNS)
            say("只是列出，未清除。")
            return
        batches = removing(engine, season, by.actor, by.request, at)
        if count:
            confirm(f"将清除征集季 {season} 已到期的 {count} 项资料，不能恢复。")
        done = total(season, batches)
    show_page(done, REMOVED_COLUMNS)
    say("没有到期的资料。" if not count else "已清除；清除记录由审计见证。")
