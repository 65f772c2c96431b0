"""`tuixuan inbox USER`: the messages in somebody's inbox."""

from typing import Annotated

import typer

from cli.frame.output import show_page
from cli.frame.parameters import Cursor, Limit

app = typer.Typer(add_completion=False)


@app.command()
def inbox(
    user: Annotated[str, typer.Argument(metavar="USER", help="用户编号（见 tuixuan user list）")],
    limit: Limit = 50,
    cursor: Cursor = None,
    read: Annotated[bool, typer.Option("--read", help="看过即标为已读")] = False,
) -> None:
    """查看一位用户的站内消息，新的在前；查看记入审计。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from services.clock import now
    from services.notifications.access import show_inbox
    from services.notifications.inbox import mark_read
    from services.people.lookup import find_user

    with record() as engine:
        user = find_user(engine, user)
        items = show_inbox(engine, user, viewer(), limit, cursor)
        if read:
            mark_read(engine, user, [item.id for item in items], now())
    columns = {"at": "时间", "event": "事件", "number": "案例", "subject": "主题"}
    show_page(items, columns, limit=limit)
