"""What `tuixuan reconcile` does."""

import asyncio

import typer

from cli.connections.databases import audit_store, record
from cli.connections.services import office
from cli.connections.stream import stream
from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show
from services.dates.milestones import Milestones
from services.reconcile.comparison import Reconciler
from services.reconcile.differences import ReconcileReport
from services.reconcile.runs import recent_runs, reconcile


def run(*, restart: bool, everything: bool) -> None:
    """Compare, repair, and show what was found."""
    report = asyncio.run(_run(restart=restart, everything=everything))
    if options().json:
        show(report)
    else:
        show({"ok": report.ok, "cases": report.cases, "differences": len(report.differences)})
        for found in report.differences:
            done = "已修复" if found.repaired else "未修复"
            say(f"{done}  {found.kind}  {found.case_id}  {found.message}")
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


def list_runs() -> None:
    """Show the last comparisons."""
    with record() as engine:
        items = recent_runs(engine)
    columns = {"id": "编号", "started_at": "开始", "finished_at": "结束", "cases": "案例数",
               "differences": "不一致", "unrepaired": "未修复"}  # fmt: skip
    show({"items": items, "next_cursor": None}, columns)


async def _run(*, restart: bool, everything: bool) -> ReconcileReport:
    async with office() as here, stream(here.settings, "reconcile") as js:
        with audit_store() as audit:
            reconciler = Reconciler(here.engine, audit, here.service, js, restart=restart)
            return await reconcile(
                here.engine,
                reconciler,
                Milestones(here.engine, here.service),
                everything=everything,
            )
