"""Parameters and columns of the commands on webhooks."""

from collections.abc import Sequence
from typing import Annotated

import typer

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="回调编号，ep_…，见 list")]
Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="投递编号，whd_…，见 deliveries")]
Events = Annotated[
    list[str] | None, typer.Option(help="只要此事件，如 submitted，可多次；all 为全部")
]
Rate = Annotated[int | None, typer.Option(min=0, max=1000, help="每秒最多几条；0 为不限")]

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


def every_if_all(events: Sequence[str] | None) -> Sequence[str] | None:
    """Return the events that were typed; an empty list for `all`, None for none."""
    return () if events == ["all"] else (events or None)
