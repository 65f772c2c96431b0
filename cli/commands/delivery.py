"""`tuixuan delivery`: mails, how they went, and how to send one again."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="waiting、sent、failed 或 dropped")] = None,
    user: Annotated[str | None, typer.Option(help="收件用户")] = None,
    channel: Annotated[str | None, typer.Option(help="mail、chat 或 sms")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多多少条")] = 50,
    cursor: Annotated[str | None, typer.Option(help="上一页给出的 next_cursor")] = None,
) -> None:
    """列出投递，新的在前；failed 为已搁置的，waiting 附下次时间（安静时段、重试）。"""
    from cli.connections.databases import record
    from cli.frame.output import plain_data, show
    from models.notifications.delivery import DeliveryStatus
    from services.notifications.inbox import deliveries, known_status

    with record() as engine:
        items = deliveries(
            engine,
            status=known_status(status),
            user_id=user,
            channel=channel,
            limit=limit,
            after=cursor,
        )
    more = items[-1].id if len(items) == limit else None
    columns = {
        "id": "编号",
        "recipient": "收件人",
        "event_id": "事件",
        "channel": "渠道",
        "status": "状态",
        "attempts": "次数",
        "next_attempt_at": "下次",
        "last_error": "最近的错误",
    }
    rows = [plain_data(item) for item in items]
    for row in rows:
        if row["status"] != DeliveryStatus.WAITING:
            row["next_attempt_at"] = None
    show({"items": rows, "next_cursor": more}, columns)


@app.command()
def retry(delivery: Annotated[str, typer.Argument(metavar="ID", help="投递编号")]) -> None:
    """立即再次投递，无论已搁置、等待还是已送出。"""
    from cli.connections.databases import record
    from cli.frame.output import say, show
    from services.clock import now
    from services.notifications.inbox import send_again

    with record() as engine:
        send_again(engine, delivery, now())
    show({"id": delivery})
    say("已重新排队。")
