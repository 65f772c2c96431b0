"""`tuixuan db`: the databases' schemas."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def db() -> None:
    """数据库。"""


@app.command()
def upgrade(
    audit_role: Annotated[
        str | None,
        typer.Option("--audit-role", metavar="NAME", help="让此角色只能读取和追加审计记录"),
    ] = None,
) -> None:
    """把记录库与审计库升级到当前版本（up 会自动执行）。"""
    from cli.frame.options import options
    from cli.frame.output import show
    from models.store.engine import open_engine
    from models.store.grants import grant_audit
    from models.store.upgrade import newest_record_version, upgrade_audit, upgrade_record

    settings = options().settings()
    for url, upgrade_one in (
        (settings.database_url, upgrade_record),
        (settings.audit_database_url, upgrade_audit),
    ):
        engine = open_engine(url, pool_size=1)
        try:
            upgrade_one(engine)
            if audit_role is not None and upgrade_one is upgrade_audit:
                grant_audit(engine, audit_role)
        finally:
            engine.dispose()
    show({"record": newest_record_version()})
