"""`tuixuan delivery`: how notifications left, and how to send one again."""

from typing import Annotated

import typer

from cli.frame.output import plain_data, say, show, show_page
from cli.frame.parameters import Cursor, Limit
from cli.frame.words import SINCE

app = typer.Typer(no_args_is_help=True)

COLUMNS = {
    "id": "编号",
    "recipient": "收件人",
    "event_id": "事件",
    "channel": "渠道",
    "status": "状态",
    "attempts": "次数",
    "next_attempt_at": "下次",
    "last_error": "最近的错误",
}

UNREACHED_COLUMNS = {
    "at": "应提醒于",
    "number": "案例编号",
    "title": "名称",
    "deadline": "期限",
    "user": "收件人",
    "why": "原因",
    "note": "说明",
    "delivery": "投递编号",
}


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="waiting、sent、failed 或 dropped")] = None,
    user: Annotated[str | None, typer.Option(help="收件用户")] = None,
    channel: Annotated[str | None, typer.Option(help="mail、chat 或 sms")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """列出投递，新的在前；failed 为已搁置的，waiting 附下次时间（安静时段、重试）。"""
    from cli.connections.databases import record
    from models.notifications.delivery import DeliveryStatus
    from services.notifications.deliveries import deliveries, parse_channel, parse_status
    from services.people.lookup import find_user

    wanted = parse_status(status)
    by = parse_channel(channel)
    with record() as engine:
        to = user and find_user(engine, user)
        items = deliveries(engine, status=wanted, user_id=to, channel=by, limit=limit, after=cursor)
    more = items[-1].id if len(items) == limit else None
    rows = [plain_data(item) for item in items]
    for row in rows:
        if row["status"] != DeliveryStatus.WAITING:
            row["next_attempt_at"] = None
    show({"items": rows, "next_cursor": more}, COLUMNS)


@app.command()
def unreached(
    season: Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")],
    since: Annotated[
        str, typer.Option(metavar="WHEN", help=f"查看何时以来的提醒：{SINCE}")
    ] = "-7d",
) -> None:
    """谁没有收到提醒，为什么：没有渠道、没有送出、无人可通知、缺工作日安排、流程不在运行。"""
    from cli.connections.databases import record
    from cli.frame.moments import parse_start
    from services.clock import now
    from services.dates.unreached import list_unreached

    begins, running = parse_start(since), _running()
    with record() as engine:
        items = list_unreached(engine, season, begins, now(), running)
    show_page(items, UNREACHED_COLUMNS)
    if not items:
        say("都收到了提醒。")


@app.command()
def retry(delivery: Annotated[str, typer.Argument(metavar="ID", help="投递编号")]) -> None:
    """立即再次投递，无论已搁置、等待还是已送出。"""
    from cli.connections.databases import record
    from services.clock import now
    from services.notifications.deliveries import send_again

    with record() as engine:
        send_again(engine, delivery, now())
    show({"id": delivery})
    say("已重新排队。")


def _running() -> "set[str] | None":
    """Return the cases whose workflow runs; None where Temporal does not answer."""
    from cli.connections.services import connected
    from services.unavailable import Unavailable

    try:
        return connected(lambda here: here.service.running())
    except (Unavailable, RuntimeError):
        say("Temporal 没有应答：流程是否在运行未能核对。")
        return None
