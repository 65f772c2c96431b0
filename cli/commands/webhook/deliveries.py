"""What the commands of `tuixuan webhook` do."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import typer
from sqlalchemy import Engine

from cli.connections.databases import record
from cli.frame.exits import Exit
from cli.frame.moments import parse_start
from cli.frame.options import options
from cli.frame.output import confirm, say, show
from models.cases.actors import Actor, Role
from models.webhooks.status import WebhookStatus
from services.clock import now
from services.webhooks import endpoints, log
from services.webhooks.log import WebhookItem
from services.webhooks.views import list_endpoints

ENDPOINT_COLUMNS = {
    "id": "编号",
    "url": "地址",
    "owner_role": "属于",
    "owner_org": "单位",
    "status": "状态",
    "why": "原因",
    "waiting": "等待",
    "failed": "搁置",
    "failing_since": "失败始于",
    "events": "事件",
    "rate": "每秒最多",
    "description": "说明",
}
DELIVERY_COLUMNS = {
    "id": "编号",
    "event_id": "事件",
    "event": "类型",
    "status": "状态",
    "attempts": "次数",
    "at": "最近一次",
    "status_code": "答复",
    "latency_ms": "毫秒",
    "error": "错误",
    "answer_head": "答复开头",
    "next_attempt_at": "下次",
}
ATTEMPT_COLUMNS = {
    "n": "第几次",
    "at": "时间",
    "status_code": "答复",
    "latency_ms": "毫秒",
    "error": "错误",
    "answer_head": "答复开头",
}
ALL = ["all"]
"""What is typed for every event."""


def add(season: str, url: str, description: str, events: Sequence[str], rate: int | None) -> None:
    """Enter an endpoint and show its secret."""
    owner = options().actor() or Actor(role=Role.ORGANISER, id="organiser")
    wanted = () if events == ALL else events
    new = endpoints.NewEndpoint(season, owner, url, description, wanted, rate or None)
    with record() as engine:
        added = endpoints.add_endpoint(engine, new, now())
    show(added)
    say("请立即保存密钥（secret），以后不再显示。")
    say(f"试发一条：tuixuan webhook test {added.id}")


def list_season(season: str, *, removed: bool) -> None:
    """Show a season's endpoints."""
    with record() as engine:
        items = list_endpoints(engine, season, options().actor(), removed=removed)
    show({"items": items, "next_cursor": None}, ENDPOINT_COLUMNS)


def edit(
    endpoint: str,
    url: str | None,
    description: str | None,
    events: Sequence[str] | None,
    rate: int | None,
) -> None:
    """Change what was given."""
    wanted = () if events == ALL else (events or None)
    new = endpoints.Changes(url, description, wanted, rate)
    if new == endpoints.Changes():
        raise typer.BadParameter("请给出要修改的 --url、--description、--event 或 --rate。")
    with record_of(endpoint) as engine:
        show(endpoints.edit_endpoint(engine, endpoint, new), ENDPOINT_COLUMNS)


def try_endpoint(endpoint: str, wait: int) -> None:
    """Send a test event, and show how it was answered.

    Raises:
        Exit: It was not delivered in time.
    """
    with record_of(endpoint) as engine:
        delivery = endpoints.send_test(engine, endpoint, now())
        item = _first_attempt(engine, delivery, wait)
    show(item, DELIVERY_COLUMNS)
    if wait and item.status != WebhookStatus.DELIVERED:
        tried = (
            "接收方未收下" if item.attempts else f"{wait} 秒内尚未发出（webhook 进程在运行吗？）"
        )
        say(f"{tried}；其后的尝试见：tuixuan webhook attempts {delivery}")
        raise typer.Exit(Exit.FOUND)


def rotate(endpoint: str, overlap: int) -> None:
    """Show a new secret."""
    with record_of(endpoint) as engine:
        show(endpoints.rotate_secret(engine, endpoint, now(), timedelta(hours=overlap)))
    say(f"请立即保存新密钥；旧密钥在 {overlap} 小时内仍同时签名。")


def pause(endpoint: str) -> None:
    """Hold an endpoint's messages back."""
    with record_of(endpoint) as engine:
        show(endpoints.pause(engine, endpoint), ENDPOINT_COLUMNS)
    say(f"已暂停。恢复：tuixuan webhook resume {endpoint}")


def resume(endpoint: str) -> None:
    """Let them go."""
    with record_of(endpoint) as engine:
        show(endpoints.resume(engine, endpoint, now()), ENDPOINT_COLUMNS)


def remove(endpoint: str) -> None:
    """End an endpoint."""
    with record_of(endpoint) as engine:
        confirm(f"移除端点 {endpoint}？不能恢复。")
        show(endpoints.remove(engine, endpoint, now()), ENDPOINT_COLUMNS)


def deliveries(endpoint: str, status: str | None, limit: int, cursor: str | None) -> None:
    """Show what was sent."""
    with record_of(endpoint) as engine:
        items = log.webhook_log(engine, endpoint, status=status, limit=limit, after=cursor)
    more = items[-1].id if len(items) == limit else None
    show({"items": items, "next_cursor": more}, DELIVERY_COLUMNS)


def list_attempts(delivery: str) -> None:
    """Show how each attempt went."""
    with record_of(delivery=delivery) as engine:
        items = log.attempts(engine, delivery)
    show({"items": items, "next_cursor": None}, ATTEMPT_COLUMNS)


def replay(delivery: str | None, endpoint: str | None, since: str | None) -> None:
    """Send again."""
    if delivery is not None and endpoint is None and since is None:
        with record_of(delivery=delivery) as engine:
            show({"id": log.replay_one(engine, delivery, now())})
    elif delivery is None and endpoint is not None and since is not None:
        start = parse_start(since)
        with record_of(endpoint) as engine:
            show({"deliveries": log.replay_since(engine, endpoint, start, now())})
    else:
        raise typer.BadParameter("请给出一个投递编号，或同时给出 --endpoint 与 --since。")


@contextmanager
def record_of(endpoint: str | None = None, delivery: str | None = None) -> Iterator[Engine]:
    """Open the record for whoever owns an endpoint, or a delivery's; `--as` says who that is.

    Raises:
        Refused: `unknown_endpoint` or `unknown_delivery`: there is none, or it is another's.
    """
    with record() as engine:
        actor = options().actor()
        if actor is not None and delivery is not None:
            log.show_delivery(engine, delivery, actor)
        if actor is not None and endpoint is not None:
            endpoints.show_endpoint(engine, endpoint, actor)
        yield engine


def _first_attempt(engine: Engine, delivery: str, wait: int) -> WebhookItem:
    """Return a delivery after its first attempt, or as it is when the time is up."""
    until = time.monotonic() + wait
    while True:
        item = log.show_delivery(engine, delivery)
        if item.attempts or time.monotonic() >= until:
            return item
        time.sleep(0.1)
