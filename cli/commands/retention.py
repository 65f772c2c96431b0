"""`tuixuan retention`: what may be removed of a season by now, and its removal."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

Season = Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号，如 2024")]


@app.command()
def show(season: Season) -> None:
    """查看各类资料的保存期限、已到期的数量，以及永久保存的内容。"""
    from cli.commands.retentionwork import show_due

    show_due(season)


@app.command()
def apply(
    season: Season,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出将清除的数量，不清除")] = False,
) -> None:
    """清除已到期的资料：不能恢复；每次清除都留下记录，并由审计见证。"""
    from cli.commands.retentionwork import apply_due

    apply_due(season, dry_run=dry_run)
