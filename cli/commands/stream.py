"""`tuixuan stream`: rebuild the event stream after it was lost."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show

if TYPE_CHECKING:
    from workers.stream.rebuild import Rebuilt

app = typer.Typer(no_args_is_help=True)


@app.callback()
def stream() -> None:
    """事件流：丢失后由记录重建。"""


@app.command()
def rebuild(
    *,
    patience: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", help="最多等待发布进程多少秒", min=0)
    ] = 60.0,
) -> None:
    """NATS 数据全部丢失后，由记录重建事件流：编号与内容不变，谁也不会被重复告知。"""
    done = asyncio.run(_rebuild(patience))
    show(done)
    if not done.ok:
        say(
            f"事件流还不完整，{done.waiting} 个事件等待发布。请执行 tuixuan status，"
            "查看 relay 是否在运行，然后再执行一次本命令：已发布的不会重复。"
        )
        raise typer.Exit(Exit.FOUND)


async def _rebuild(patience: float) -> "Rebuilt":
    from cli.connections.databases import record
    from cli.connections.services import quiet_logs
    from cli.connections.stream import stream as connected
    from workers.stream.rebuild import rebuild as rebuild_stream

    quiet_logs()
    with record() as engine:
        async with connected(options().settings(), "rebuild") as js:
            return await rebuild_stream(engine, js, patience)
