"""`tuixuan inbox USER`: what somebody was told."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def inbox(
    user: Annotated[str, typer.Argument(metavar="USER", help="用户编号（见 tuixuan user list）")],
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多多少条")] = 50,
    cursor: Annotated[str | None, typer.Option(help="上一页给出的 next_cursor")] = None,
    read: Annotated[bool, typer.Option("--read", help="看过即标为已读")] = False,
) -> None:
    """查看一位用户的站内消息，新的在前；查看记入审计。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from cli.frame.output import show
    from services.clock import now
    from services.notifications import inbox as messages
    from services.notifications.access import show_inbox

    with record() as engine:
        items = show_inbox(engine, user, viewer(), limit, cursor)
        if read:
            messages.mark_read(engine, user, [item.id for item in items], now())
    more = items[-1].id if len(items) == limit else None
    columns = {"at": "时间", "event": "事件", "case_id": "案例", "subject": "主题"}
    show({"items": items, "next_cursor": more}, columns)
