"""`tuixuan db`: the schemas of the databases."""

from typing import Annotated

import typer

from cli.frame.options import options
from cli.frame.output import show

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
    from models.store.upgrade import newest_record_version
    from workers.stack.databases import upgrade_databases

    upgrade_databases(options().settings(), audit_role)
    show({"record": newest_record_version()})
