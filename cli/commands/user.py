"""`tuixuan user`: who has an inbox, and by which other channels they are notified."""

from typing import Annotated

import typer

from cli.frame.options import options
from cli.frame.output import say, show, show_page
from models.refusals import Refused

app = typer.Typer(no_args_is_help=True)

User = Annotated[str, typer.Argument(metavar="USER", help="用户编号")]
COLUMNS = {"id": "编号", "role": "角色", "org": "单位", "name": "名称", "channels": "渠道"}


@app.command("list")
def list_(
    season: Annotated[str, typer.Option(help="征集季编号")],
    role: Annotated[str | None, typer.Option(help="只列此角色")] = None,
    without_channel: Annotated[
        bool, typer.Option("--without-channel", help="只列没有邮箱、聊天、短信，仅有站内消息的")
    ] = False,
) -> None:
    """列出一个征集季的用户，及其在站内消息之外的渠道；查看记入审计。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from services.people.access import show_users
    from services.seasons.lookup import find_season

    with record() as engine:
        known = find_season(engine, season)
        items = show_users(engine, known, viewer(), role, without_channel=without_channel)
    show_page(items, COLUMNS)


@app.command()
def add(
    season: Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")],
    user: Annotated[str, typer.Argument(metavar="USER", help="用户编号，全系统唯一，如 2024-wang")],
    role: Annotated[str, typer.Option(help="角色，如 expert（专家）、body（推荐单位）")],
    name: Annotated[str, typer.Option(help="姓名或名称")],
    org: Annotated[str | None, typer.Option(help="申报单位或推荐单位的编号")] = None,
    email: Annotated[str | None, typer.Option(help="接收通知的邮箱")] = None,
) -> None:
    """登记一位用户：专家、各单位的其他经办人；此后按角色收到通知与提醒。"""
    from cli.connections.databases import record
    from services.clock import now
    from services.people.users import NewUser, enter_user
    from services.seasons.lookup import find_season

    with record() as engine:
        new = NewUser(user, find_season(engine, season), role, name, org, email)
        show(enter_user(engine, new, now()))
    say(f"设定其他渠道：tuixuan user channel {user} chat|sms ADDRESS")


@app.command()
def email(
    user: User,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="邮箱；none 为不用邮件")],
) -> None:
    """设定用户接收通知的邮箱。"""
    from cli.connections.databases import record
    from services.people.lookup import find_user
    from services.people.users import set_email

    with record() as engine:
        set_email(engine, find_user(engine, user), None if address == "none" else address)
    say("已保存。")


@app.command()
def channel(
    user: User,
    kind: Annotated[str, typer.Argument(metavar="CHANNEL", help="chat 或 sms")],
    address: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="Apprise 地址或手机号码；不会再显示")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="不再使用此渠道")] = False,
) -> None:
    """设定用户在邮件之外接收通知的渠道：聊天机器人或短信。"""
    from cli.connections.databases import record
    from models.notifications.delivery import Channel
    from services.clock import now
    from services.notifications.channels import set_channel
    from services.people.lookup import find_user

    if remove is (address is not None):
        raise Refused("bad_address", "请给出地址，或用 --remove 停用，二者选一。")
    with record() as engine:
        set_channel(engine, find_user(engine, user), kind, address, now())
    say("已保存。")
    if kind == Channel.SMS and not remove and options().settings().sms.url is None:
        say("尚未设置短信网关（TUIXUAN_SMS__URL），短信会等到设置之后发出。")


@app.command()
def feed(
    user: User,
    renew: Annotated[bool, typer.Option("--renew", help="换新地址，原地址随即失效")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="不再提供，原地址随即失效")] = False,
) -> None:
    """生成日历订阅地址：日历软件由此读到该用户的全部待办期限；地址只显示这一次。"""
    from cli.connections.databases import record
    from services.calendars.feeds import make_feed, remove_feed
    from services.clock import now
    from services.people.lookup import find_user

    if renew and remove:
        raise Refused("bad_options", "--renew 与 --remove 二者选一。")
    with record() as engine:
        user = find_user(engine, user)
        if remove:
            show({"user": user, "removed": remove_feed(engine, user)})
            return
        portal = (
            options().settings().portal_url
        )  # fails before an address is made that would never be shown
        at = now()
        path = make_feed(engine, user, at, renew=renew)
    show({"user": user, "url": f"{portal}{path}", "created_at": at})
    say("请立即保存地址，以后不再显示。知道此地址的人都能看到这些期限，请勿转发。")
