"""`tuixuan audit`: verify the witness against the record."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def audit() -> None:
    """审计记录：核验。"""


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
