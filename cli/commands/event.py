"""`tuixuan event`: what became of an event, and what is not published yet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.frame.cells import cell
from cli.frame.options import options
from cli.frame.output import plain_data, show
from cli.frame.parameters import Cursor
from cli.frame.words import CASE, SINCE

if TYPE_CHECKING:
    from services.stream.event_views import EventView

app = typer.Typer(no_args_is_help=True)

LIST_COLUMNS = {
    "at": "时间",
    "kind": "种类",
    "what": "事项",
    "case_id": "案例",
    "to": "到",
    "status": "状态",
    "who": "由谁或给谁",
    "note": "说明",
}


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


@app.command("list")
def list_(
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help=f"从何时起，默认 -24h：{SINCE}")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="到何时为止（不含），默认现在；写法同上")
    ] = None,
    case_id: Annotated[str | None, typer.Option("--case", help=f"只列一件案例：{CASE}")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="只列一种，可多次给出：transition 办理、reminder 提醒、delivery 投递、"
            "webhook 回调、season 日程、dead_letter 死信、reconcile 核对"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="最多多少条")] = 200,
    cursor: Cursor = None,
) -> None:
    """列出一段时间里发生的事（如昨夜）：办理、提醒、投递、回调、日程调整、死信、核对，新的在后。

    未送出的消息列在写入之时。被拒绝的操作不留记录；进程重启的次数见 tuixuan status，时间见 log/。
    """
    from cli.connections.databases import record
    from cli.frame.moments import parse_start
    from services.cases.lookup import find_case
    from services.clock import now
    from services.stream.timeline import Span, read_timeline

    ends = now() if until is None or until == "now" else parse_start(until)
    begins = parse_start("-24h" if since is None else since)
    with record() as engine:
        case = None if case_id is None else find_case(engine, case_id)
        span = Span(begins, ends, case, kind or (), limit, cursor)
        show(read_timeline(engine, span), LIST_COLUMNS)


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
        columns = {"endpoint": "回调", "status": "状态", "attempts": "次数", "delivery": "投递编号"}
        show(found.webhooks, columns)


def _way(way: Mapping[str, Any]) -> str:
    language = options().language
    words = (cell(key, way[key], language) for key in ("channel", "status", "delivery"))
    return " ".join(words)
