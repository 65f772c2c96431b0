"""`tuixuan user`: who has an inbox, and where mail reaches them."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    season: Annotated[str, typer.Option(help="征集季编号")],
    role: Annotated[str | None, typer.Option(help="只列此角色")] = None,
) -> None:
    """列出一个征集季的用户。"""
    from cli.output import show
    from cli.record import record
    from services.people import list_users

    with record() as engine:
        items = list_users(engine, season, role)
    columns = {"id": "编号", "role": "角色", "org": "单位", "name": "名称", "has_email": "有邮箱"}
    show({"items": items, "next_cursor": None}, columns)


@app.command()
def email(
    user: Annotated[str, typer.Argument(metavar="USER", help="用户编号")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="邮箱；none 为不用邮件")],
) -> None:
    """设定用户接收通知的邮箱。"""
    from cli.output import say
    from cli.record import record
    from services.people import set_email

    with record() as engine:
        set_email(engine, user, None if address == "none" else address)
    say("已保存。")
