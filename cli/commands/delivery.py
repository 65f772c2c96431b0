"""`tuixuan delivery`: how notifications left, and how to send one again."""

from typing import Annotated

import typer

from cli.frame.output import plain_data, say, show
from cli.frame.parameters import Cursor, Limit

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
def retry(delivery: Annotated[str, typer.Argument(metavar="ID", help="投递编号")]) -> None:
    """立即再次投递，无论已搁置、等待还是已送出。"""
    from cli.connections.databases import record
    from services.clock import now
    from services.notifications.deliveries import send_again

    with record() as engine:
        send_again(engine, delivery, now())
    show({"id": delivery})
    say("已重新排队。")
