"""`tuixuan webhook`: the endpoints of other systems, and what was sent to them."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="端点编号")]


@app.command()
def add(
    season: Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")],
    url: Annotated[str, typer.Argument(metavar="URL", help="接收地址，https://…")],
    description: Annotated[str, typer.Option(help="用途说明")] = "",
    event: Annotated[list[str] | None, typer.Option(help="只要此事件，可多次；默认全部")] = None,
    rate: Annotated[int | None, typer.Option(help="每秒最多几条；默认不限")] = None,
) -> None:
    """登记端点；密钥只显示这一次。默认属主办方，用 --as applicant:ID 或 body:ID 指明单位。"""
    from cli.webhookwork import add

    add(season, url, description, event or [], rate)


@app.command("list")
def list_(season: Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")]) -> None:
    """列出一个征集季的端点。"""
    from cli.webhookwork import list_endpoints

    list_endpoints(season)


@app.command()
def test(endpoint: Endpoint) -> None:
    """发送一条测试事件。"""
    from cli.webhookwork import test

    test(endpoint)


@app.command()
def rotate(
    endpoint: Endpoint,
    overlap: Annotated[int, typer.Option(min=0, max=168, help="旧密钥继续签名几小时")] = 24,
) -> None:
    """换新密钥；过渡期内新旧密钥同时签名。"""
    from cli.webhookwork import rotate

    rotate(endpoint, overlap)


@app.command()
def pause(endpoint: Endpoint) -> None:
    """暂停发送；期间的事件保留。"""
    from cli.webhookwork import pause

    pause(endpoint)


@app.command()
def resume(endpoint: Endpoint) -> None:
    """恢复发送，也用于重新启用已停用的端点。"""
    from cli.webhookwork import resume

    resume(endpoint)


@app.command()
def deliveries(
    endpoint: Endpoint,
    status: Annotated[
        str | None, typer.Option(help="waiting、delivered、failed 或 cancelled")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多多少条")] = 50,
    cursor: Annotated[str | None, typer.Option(help="上一页给出的 next_cursor")] = None,
) -> None:
    """列出发送记录，新的在前。"""
    from cli.webhookwork import deliveries

    deliveries(endpoint, status, limit, cursor)


@app.command()
def replay(
    delivery: Annotated[str | None, typer.Argument(metavar="[DELIVERY]", help="投递编号")] = None,
    endpoint: Annotated[str | None, typer.Option(help="与 --since 同用：哪个端点")] = None,
    since: Annotated[str | None, typer.Option(help="重发此时间之后的全部")] = None,
) -> None:
    """重发一条，或某端点自某时起的全部；编号与内容不变。"""
    from cli.webhookwork import replay

    replay(delivery, endpoint, since)
