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


@app.command()
def channel(
    user: Annotated[str, typer.Argument(metavar="USER", help="用户编号")],
    kind: Annotated[str, typer.Argument(metavar="CHANNEL", help="chat 或 sms")],
    address: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="Apprise 地址或手机号码；不会再显示")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="不再使用此渠道")] = False,
) -> None:
    """设定用户在邮件之外接收通知的渠道：聊天机器人或短信。"""
    from cli.output import say
    from cli.record import record
    from models.refusals import Refused
    from services.channels import set_channel
    from services.clock import now

    if remove is (address is not None):
        raise Refused("bad_address", "请给出地址，或用 --remove 停用，二者选一。")
    with record() as engine:
        set_channel(engine, user, kind, address, now())
    say("已保存。")
