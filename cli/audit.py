"""`tuixuan audit`: verify the witness against the record, and hand it to inspectors."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def audit() -> None:
    """审计记录：核验、导出。"""


@app.command()
def verify() -> None:
    """核验审计链与全部案例记录；发现问题时退出码为 3。"""
    from cli.exits import Exit
    from cli.options import options
    from cli.output import say, show
    from cli.record import audit_store, record
    from services.audit import verify as verify_all

    settings = options().settings()
    with record() as engine, audit_store() as store:
        report = verify_all(engine, store, settings.audit_anchor)
    if options().json:
        show(report)
    else:
        show({"ok": report.ok, "cases": report.cases, "records": report.records})
        for problem in report.problems:
            say(f"{problem.kind}  {problem.where}  {problem.message}")
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


@app.command()
def export(
    season: Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="写入的 .tar.gz 文件")],
) -> None:
    """导出一季的审计材料，附核验程序 verify.py：解开后无需任何服务即可核验。"""
    from cli.options import options
    from cli.output import show
    from cli.record import audit_store, record
    from services.audit_export import Sources
    from services.audit_export import export as export_season

    settings = options().settings()
    with record() as engine, audit_store() as store:
        sources = Sources(engine, store, settings.audit_anchor, settings.audit_digests)
        show(export_season(sources, season, to))
