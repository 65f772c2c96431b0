"""`tuixuan event`: what became of an event, and what is not published yet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.frame.cells import cell
from cli.frame.options import options
from cli.frame.output import plain_data, show

if TYPE_CHECKING:
    from services.stream.event_views import EventView

app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show_(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="事件编号，即 案例编号:序号")],
) -> None:
    """查看一个事件：是否已发布、已审计，告知了谁，经哪些渠道，送出没有。"""
    from cli.connections.databases import audit_store, record
    from services.cases.lookup import find_event
    from services.stream.events import show_event

    with record() as engine, audit_store() as audit:
        found = show_event(engine, audit, find_event(engine, event))
    show(found)
    if not options().json:
        _show_ways(found)


@app.command()
def backlog() -> None:
    """查看已记录而尚未发布的事件：多少件，最早的等了多少秒，哪些发布不了。"""
    from cli.connections.databases import record
    from services.clock import now
    from services.stream.backlog import read_backlog

    with record() as engine:
        found = read_backlog(engine, now())
    show(found)
    if not options().json and found.stuck:
        show(found.stuck, {"id": "事件", "attempts": "次数", "last_error": "最近的错误"})


def _show_ways(found: "EventView") -> None:
    """Show who was notified by which channels, and the endpoints that got it."""
    if found.told:
        columns = {"user": "用户", "role": "角色", "at": "告知于", "read_at": "读于",
                   "ways": "渠道"}  # fmt: skip
        rows = [plain_data(each) for each in found.told]
        for row in rows:
            row["ways"] = "；".join(map(_way, row["ways"]))
        show(rows, columns)
    if found.webhooks:
        columns = {"endpoint": "端点", "status": "状态", "attempts": "次数", "delivery": "投递编号"}
        show(found.webhooks, columns)


def _way(way: Mapping[str, Any]) -> str:
    language = options().language
    words = (cell(key, way[key], language) for key in ("channel", "status", "delivery"))
    return " ".join(words)
