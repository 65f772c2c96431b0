"""What the commands of `tuixuan webhook` do."""

from collections.abc import Sequence
from datetime import timedelta

import typer

from cli.moments import parse_moment
from cli.options import options
from cli.output import say, show
from cli.record import record
from models.commands import Actor, Role
from services import webhook_log, webhooks
from services.clock import now

ENDPOINT_COLUMNS = {
    "id": "编号",
    "url": "地址",
    "owner_role": "属于",
    "owner_org": "单位",
    "status": "状态",
    "why": "原因",
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
    "next_attempt_at": "下次",
}


def add(season: str, url: str, description: str, events: Sequence[str], rate: int | None) -> None:
    """Enter an endpoint and show its secret."""
    owner = options().actor() or Actor(role=Role.ORGANISER, id="organiser")
    new = webhooks.NewEndpoint(season, owner, url, description, events, rate)
    with record() as engine:
        show(webhooks.add_endpoint(engine, new, now()))
    say("请立即保存密钥（secret），以后不再显示。")


def list_endpoints(season: str) -> None:
    """Show a season's endpoints."""
    with record() as engine:
        items = webhooks.list_endpoints(engine, season)
    show({"items": items, "next_cursor": None}, ENDPOINT_COLUMNS)


def test(endpoint: str) -> None:
    """Queue a test event."""
    with record() as engine:
        delivery = webhooks.send_test(engine, endpoint, now())
    show({"id": delivery})
    say(f"已排队。结果见：tuixuan webhook deliveries {endpoint}")


def rotate(endpoint: str, overlap: int) -> None:
    """Show a new secret."""
    with record() as engine:
        show(webhooks.rotate_secret(engine, endpoint, now(), timedelta(hours=overlap)))
    say(f"请立即保存新密钥；旧密钥在 {overlap} 小时内仍同时签名。")


def pause(endpoint: str) -> None:
    """Hold an endpoint's messages back."""
    with record() as engine:
        show(webhooks.pause(engine, endpoint))


def resume(endpoint: str) -> None:
    """Let them go."""
    with record() as engine:
        show(webhooks.resume(engine, endpoint, now()))


def deliveries(endpoint: str, status: str | None, limit: int, cursor: str | None) -> None:
    """Show what was sent."""
    with record() as engine:
        items = webhook_log.webhook_log(engine, endpoint, status=status, limit=limit, after=cursor)
    more = items[-1].id if len(items) == limit else None
    show({"items": items, "next_cursor": more}, DELIVERY_COLUMNS)


def replay(delivery: str | None, endpoint: str | None, since: str | None) -> None:
    """Send again."""
    with record() as engine:
        if delivery is not None and endpoint is None and since is None:
            show({"id": webhook_log.replay_one(engine, delivery, now())})
        elif delivery is None and endpoint is not None and since is not None:
            start = parse_moment(since)
            show({"deliveries": webhook_log.replay_since(engine, endpoint, start, now())})
        else:
            raise typer.BadParameter("请给出一个投递编号，或同时给出 --endpoint 与 --since。")
