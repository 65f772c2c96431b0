"""What `tuixuan reconcile` does."""

import asyncio

import typer

from cli.exits import Exit
from cli.office import office
from cli.options import options
from cli.output import say, show
from cli.record import audit_store
from services.milestones import Calendar
from services.reconcile import Reconciler, ReconcileReport
from workers.nats_connection import connect


def run(*, restart: bool) -> None:
    """Compare, repair, and show what was found."""
    report = asyncio.run(_run(restart=restart))
    if options().json:
        show(report)
    else:
        show({"ok": report.ok, "cases": report.cases, "differences": len(report.differences)})
        for found in report.differences:
            done = "已修复" if found.repaired else "未修复"
            say(f"{done}  {found.kind}  {found.case_id}  {found.message}")
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


async def _run(*, restart: bool) -> ReconcileReport:
    async with office() as here:
        nats = await connect(here.settings.nats_url, "reconcile")
        try:
            with audit_store() as audit:
                reconciler = Reconciler(
                    here.engine, audit, here.desk, nats.jetstream(), restart=restart
                )
                report = await reconciler.run()
            calendar = Calendar(here.engine, here.desk)
            for change in calendar.unapplied():  # a move that was cut short goes on
                await calendar.apply(change)
            return report
        finally:
            await nats.close()
