"""The commands on endpoints."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.webhook.parameters import (
    DELIVERY_COLUMNS,
    ENDPOINT_COLUMNS,
    Endpoint,
    Events,
    Rate,
    every_if_all,
)
from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import confirm, say, show, show_page

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from services.webhooks.deliveries import WebhookItem

app = typer.Typer()

Season = Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")]


@app.command()
def add(
    season: Season,
    url: Annotated[str, typer.Argument(metavar="URL", help="接收地址，https://…")],
    description: Annotated[str, typer.Option(help="用途说明")] = "",
    event: Events = None,
    rate: Rate = None,
) -> None:
    """登记回调；密钥只显示这一次。默认属主办方，用 --as applicant:ID 或 body:ID 指明单位。"""
    from cli.connections.databases import record
    from cli.connections.viewer import acting_organiser
    from services.clock import now
    from services.seasons.lookup import find_season
    from services.webhooks.endpoints import NewEndpoint, add_endpoint

    events = every_if_all(event) or ()
    new = NewEndpoint(season, acting_organiser(), url, description, events, rate or None)
    _judge(url)
    with record() as engine:
        new = replace(new, season_id=find_season(engine, season))
        added = add_endpoint(engine, new, now())
    show(added)
    say("请立即保存密钥（secret），以后不再显示。")
    say(f"试发一条：tuixuan webhook test {added.id}")


@app.command("list")
def list_(
    season: Season,
    all_: Annotated[bool, typer.Option("--all", help="也列出已移除的")] = False,
) -> None:
    """列出一个征集季的回调，各附是否失败、多少等待；用 --as 只列某单位的。"""
    from cli.connections.databases import record
    from services.seasons.lookup import find_season
    from services.webhooks.views import list_endpoints

    with record() as engine:
        items = list_endpoints(engine, find_season(engine, season), options().actor(), removed=all_)
    show_page(items, ENDPOINT_COLUMNS)


@app.command()
def edit(
    endpoint: Endpoint,
    url: Annotated[str | None, typer.Option(help="新的接收地址")] = None,
    description: Annotated[str | None, typer.Option(help="用途说明")] = None,
    event: Events = None,
    rate: Rate = None,
) -> None:
    """修改回调的地址、说明、事件或速率；密钥与等待发送的消息不变。"""
    from cli.commands.webhook.owned import record_of
    from services.webhooks.endpoints import EndpointChanges, edit_endpoint

    new = EndpointChanges(url, description, every_if_all(event), rate)
    if new == EndpointChanges():
        raise typer.BadParameter("请给出要修改的 --url、--description、--event 或 --rate。")
    if url is not None:
        _judge(url)
    with record_of(endpoint) as engine:
        show(edit_endpoint(engine, endpoint, new), ENDPOINT_COLUMNS)


@app.command("test")
def try_(
    endpoint: Endpoint,
    wait: Annotated[int, typer.Option(min=0, max=60, help="等待结果几秒；0 为不等")] = 10,
) -> None:
    """发送一条测试事件，并显示接收方的答复；未送达时以 3 退出。"""
    from cli.commands.webhook.owned import record_of
    from models.webhooks.status import WebhookStatus
    from services.clock import now
    from services.webhooks.test_event import send_test

    with record_of(endpoint) as engine:
        delivery = send_test(engine, endpoint, now())
        item = _first_attempt(engine, delivery, wait)
    show(item, DELIVERY_COLUMNS)
    if wait and item.status != WebhookStatus.DELIVERED:
        tried = (
            "接收方未收下" if item.attempts else f"{wait} 秒内尚未发出（webhook 进程在运行吗？）"
        )
        say(f"{tried}；其后的发送见：tuixuan webhook attempts {delivery}")
        raise typer.Exit(Exit.FOUND)


@app.command()
def rotate(
    endpoint: Endpoint,
    overlap: Annotated[int, typer.Option(min=0, max=168, help="旧密钥继续签名几小时")] = 24,
) -> None:
    """换新密钥；过渡期内新旧密钥同时签名。"""
    from cli.commands.webhook.owned import record_of
    from services.clock import now
    from services.webhooks.secrets import rotate_secret

    with record_of(endpoint) as engine:
        show(rotate_secret(engine, endpoint, now(), timedelta(hours=overlap)))
    say(f"请立即保存新密钥；旧密钥在 {overlap} 小时内仍同时签名。")


@app.command()
def pause(endpoint: Endpoint) -> None:
    """暂停发送；期间的事件保留。"""
    from cli.commands.webhook.owned import record_of
    from services.webhooks import pausing

    with record_of(endpoint) as engine:
        show(pausing.pause(engine, endpoint), ENDPOINT_COLUMNS)
    say(f"已暂停。恢复：tuixuan webhook resume {endpoint}")


@app.command()
def resume(endpoint: Endpoint) -> None:
    """恢复发送，也用于重新启用已停用的回调；等待重试的立即发出。"""
    from cli.commands.webhook.owned import record_of
    from services.clock import now
    from services.webhooks import pausing

    with record_of(endpoint) as engine:
        show(pausing.resume(engine, endpoint, now()), ENDPOINT_COLUMNS)


@app.command()
def remove(endpoint: Endpoint) -> None:
    """移除回调，不能恢复：不再发送，密钥作废，投递与发送记录保留。"""
    from cli.commands.webhook.owned import record_of
    from services.clock import now
    from services.webhooks import endpoints

    with record_of(endpoint) as engine:
        confirm(f"移除回调 {endpoint}？不能恢复。")
        show(endpoints.remove(engine, endpoint, now()), ENDPOINT_COLUMNS)


def _judge(url: str) -> None:
    """Refuse an address that the sender would refuse; `--yes` enters it all the same.

    The sender may have other settings than this command, if it runs elsewhere.
    """
    import asyncio

    from models.refusals import Refused
    from services.webhooks.checks import check_url
    from workers.webhook.judging import judge

    check_url(url)
    try:
        doubt = asyncio.run(judge(url, options().settings().webhook))
    except Refused as refused:
        if not options().yes:
            message = f"{refused.message}仍要先登记，加 --yes。"
            raise Refused(refused.code, message) from refused
        doubt = f"已按 --yes 登记，但发送时会被拒绝：{refused.message}"
    if doubt is not None:
        say(doubt)


def _first_attempt(engine: "Engine", delivery: str, wait: int) -> "WebhookItem":
    """Return a delivery after its first attempt, or as it is after so many seconds."""
    from services.webhooks.deliveries import show_delivery

    until = time.monotonic() + wait
    while True:
        item = show_delivery(engine, delivery)
        if item.attempts or time.monotonic() >= until:
            return item
        time.sleep(0.1)
