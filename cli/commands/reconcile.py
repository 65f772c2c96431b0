"""`tuixuan reconcile`: compare the four records, repair forward."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def reconcile(
    *,
    restart: Annotated[
        bool, typer.Option("--restart", help="流程已丢失的案例，由记录重新启动")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="核对全部案例，而不只是上次一致之后变动过的")
    ] = False,
    runs: Annotated[
        bool, typer.Option("--runs", help="只列出最近的核对：每夜的、异常停机后的、手工的")
    ] = False,
) -> None:
    """核对流程、记录、事件流、审计四处与各案例期限是否一致，并向前修复；仍有不一致时退出码为 3。"""
    from cli.commands.reconcilework import list_runs, run

    if runs:
        list_runs()
        return
    run(restart=restart, everything=all_ or restart)
