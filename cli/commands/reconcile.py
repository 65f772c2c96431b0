"""`tuixuan reconcile`: compare the four records, repair forward."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show, show_page

if TYPE_CHECKING:
    from services.reconcile.differences import ReconcileReport

app = typer.Typer(add_completion=False)

RUN_COLUMNS = {
    "id": "编号",
    "started_at": "开始",
    "finished_at": "结束",
    "cases": "案例数",
    "differences": "不一致",
    "unrepaired": "未修复",
    "workflows_missing": "缺流程",
}


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
    if runs:
        _list_runs()
        return
    report = asyncio.run(_run(restart=restart, everything=all_ or restart))
    if options().json:
        show(report)
    else:
        show({"ok": report.ok, "cases": report.cases, "differences": len(report.differences)})
        for found in report.differences:
            done = "已修复" if found.repaired else "未修复"
            say(f"{done}  {found.kind}  {found.case_id}  {found.message}")
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


def _list_runs() -> None:
    from cli.connections.databases import record
    from services.reconcile.runs import recent_runs

    with record() as engine:
        show_page(recent_runs(engine), RUN_COLUMNS)


async def _run(*, restart: bool, everything: bool) -> "ReconcileReport":
    from cli.connections.databases import audit_store
    from cli.connections.services import open_connections
    from cli.connections.stream import stream
    from services.dates.milestones import Milestones
    from services.reconcile.comparison import Reconciler
    from services.reconcile.runs import reconcile as compare

    async with open_connections() as here, stream(here.settings, "reconcile") as js:
        with audit_store() as audit:
            reconciler = Reconciler(here.engine, audit, here.service, js, restart=restart)
            milestones = Milestones(here.engine, here.service)
            return await compare(here.engine, reconciler, milestones, everything=everything)
