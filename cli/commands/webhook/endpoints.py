"""`tuixuan webhook`: the endpoints of other systems, and what was sent to them."""

from typing import Annotated

import typer

from cli.frame.words import SINCE

app = typer.Typer(no_args_is_help=True)

Season = Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")]
Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="端点编号，ep_…，见 list")]
Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="投递编号，whd_…，见 deliveries")]
Events = Annotated[
    list[str] | None, typer.Option(help="只要此事件，如 submitted，可多次；all 为全部")
]
Rate = Annotated[int | None, typer.Option(min=0, max=1000, help="每秒最多几条；0 为不限")]


@app.command()
def add(
    season: Season,
    url: Annotated[str, typer.Argument(metavar="URL", help="接收地址，https://…")],
    description: Annotated[str, typer.Option(help="用途说明")] = "",
    event: Events = None,
    rate: Rate = None,
) -> None:
    """登记端点；密钥只显示这一次。默认属主办方，用 --as applicant:ID 或 body:ID 指明单位。"""
    from cli.commands.webhookwork import add

    add(season, url, description, event or [], rate)


@app.command("list")
def list_(
    season: Season,
    all_: Annotated[bool, typer.Option("--all", help="也列出已移除的")] = False,
) -> None:
    """列出一个征集季的端点；用 --as 只列某单位的。"""
    from cli.commands.webhookwork import list_season

    list_season(season, removed=all_)


@app.command()
def edit(
    endpoint: Endpoint,
    url: Annotated[str | None, typer.Option(help="新的接收地址")] = None,
    description: Annotated[str | None, typer.Option(help="用途说明")] = None,
    event: Events = None,
    rate: Rate = None,
) -> None:
    """修改端点的地址、说明、事件或速率；密钥与等待发送的消息不变。"""
    from cli.commands.webhookwork import edit

    edit(endpoint, url, description, event, rate)


@app.command("test")
def try_(
    endpoint: Endpoint,
    wait: Annotated[int, typer.Option(min=0, max=60, help="等待结果几秒；0 为不等")] = 10,
) -> None:
    """发送一条测试事件，并显示接收方的答复；未送达时以 3 退出。"""
    from cli.commands.webhookwork import try_endpoint

    try_endpoint(endpoint, wait)


@app.command()
def rotate(
    endpoint: Endpoint,
    overlap: Annotated[int, typer.Option(min=0, max=168, help="旧密钥继续签名几小时")] = 24,
) -> None:
    """换新密钥；过渡期内新旧密钥同时签名。"""
    from cli.commands.webhookwork import rotate

    rotate(endpoint, overlap)


@app.command()
def pause(endpoint: Endpoint) -> None:
    """暂停发送；期间的事件保留。"""
    from cli.commands.webhookwork import pause

    pause(endpoint)


@app.command()
def resume(endpoint: Endpoint) -> None:
    """恢复发送，也用于重新启用已停用的端点；等待重试的立即发出。"""
    from cli.commands.webhookwork import resume

    resume(endpoint)


@app.command()
def remove(endpoint: Endpoint) -> None:
    """移除端点，不能恢复：不再发送，密钥作废，发送记录保留。"""
    from cli.commands.webhookwork import remove

    remove(endpoint)


@app.command()
def deliveries(
    endpoint: Endpoint,
    status: Annotated[
        str | None, typer.Option(help="waiting、delivered、failed 或 cancelled")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多多少条")] = 50,
    cursor: Annotated[str | None, typer.Option(help="上一页给出的 next_cursor")] = None,
) -> None:
    """列出发送记录，新的在前，各附最近一次尝试；failed 为试满后搁置的。"""
    from cli.commands.webhookwork import deliveries

    deliveries(endpoint, status, limit, cursor)


@app.command()
def attempts(delivery: Delivery) -> None:
    """列出一条投递的每一次尝试。"""
    from cli.commands.webhookwork import list_attempts

    list_attempts(delivery)


@app.command()
def replay(
    delivery: Annotated[
        str | None, typer.Argument(metavar="[DELIVERY]", help="投递编号，whd_…，见 deliveries")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="与 --since 同用：哪个端点")] = None,
    since: Annotated[str | None, typer.Option(help=f"重发此后的全部：{SINCE}")] = None,
) -> None:
    """重发一条，或某端点自某时起的全部，连同停用期间错过的；编号与内容不变。"""
    from cli.commands.webhookwork import replay

    replay(delivery, endpoint, since)
