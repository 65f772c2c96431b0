"""The commands on what was sent to endpoints."""

from typing import Annotated

import typer

from cli.commands.webhook.parameters import ATTEMPT_COLUMNS, DELIVERY_COLUMNS, Delivery, Endpoint
from cli.frame.output import show, show_page
from cli.frame.parameters import Cursor, Limit
from cli.frame.words import SINCE

app = typer.Typer()


@app.command()
def deliveries(
    endpoint: Endpoint,
    status: Annotated[
        str | None, typer.Option(help="waiting、delivered、failed 或 cancelled")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """列出回调的投递，新的在前，各附最近一次发送；failed 为试满后搁置的。"""
    from cli.commands.webhook.owned import record_of
    from services.webhooks.deliveries import webhook_log

    with record_of(endpoint) as engine:
        items = webhook_log(engine, endpoint, status=status, limit=limit, after=cursor)
    show_page(items, DELIVERY_COLUMNS, limit=limit)


@app.command()
def attempts(delivery: Delivery) -> None:
    """列出一条投递的发送记录：每次何时发出，对方如何答复。"""
    from cli.commands.webhook.owned import record_of
    from services.webhooks.deliveries import attempts as attempts_of

    with record_of(delivery=delivery) as engine:
        show_page(attempts_of(engine, delivery), ATTEMPT_COLUMNS)


@app.command()
def replay(
    delivery: Annotated[
        str | None, typer.Argument(metavar="[DELIVERY]", help="投递编号，whd_…，见 deliveries")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="与 --since 同用：哪个回调")] = None,
    since: Annotated[str | None, typer.Option(help=f"重发此后的全部：{SINCE}")] = None,
) -> None:
    """重发一条，或某回调自某时起的全部，连同停用期间错过的；编号与内容不变。"""
    from cli.commands.webhook.owned import record_of
    from cli.frame.moments import parse_start
    from services.clock import now
    from services.webhooks.replays import replay_one, replay_since

    if delivery is not None and endpoint is None and since is None:
        with record_of(delivery=delivery) as engine:
            show({"id": replay_one(engine, delivery, now())})
    elif delivery is None and endpoint is not None and since is not None:
        start = parse_start(since)
        with record_of(endpoint) as engine:
            show({"deliveries": replay_since(engine, endpoint, start, now())})
    else:
        raise typer.BadParameter("请给出一个投递编号，或同时给出 --endpoint 与 --since。")
