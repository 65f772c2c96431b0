"""The commands on dead letters."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.options import options
from cli.frame.output import say, show, show_page

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from services.stream.dead_letters import DeadLetterView

app = typer.Typer(no_args_is_help=True)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="死信编号（见 dead-letter list）")]
COLUMNS = {
    "id": "编号",
    "consumer": "消费者",
    "event_id": "事件",
    "why": "原因",
    "deliveries": "次数",
    "at": "时间",
    "status": "状态",
}


@app.command("list")
def list_(
    *,
    all_: Annotated[bool, typer.Option("--all", help="也列出已补办、已放弃的")] = False,
) -> None:
    """列出消费者放弃了的事件（邮件的死信见 delivery list --status failed）。"""
    from cli.connections.databases import record
    from models.stream.dead_letters import DeadLetterStatus
    from services.stream.dead_letters import list_dead_letters

    with record() as engine:
        asyncio.run(_record_advisories(engine))
        status = None if all_ else DeadLetterStatus.OPEN
        show_page(list_dead_letters(engine, status), COLUMNS)


@app.command("show")
def show_(letter: LetterId) -> None:
    """查看一封死信：哪个事件、为什么、试了几次、后来如何处理。"""
    from cli.connections.databases import record
    from services.stream.dead_letters import read_dead_letter

    with record() as engine:
        show(read_dead_letter(engine, letter))


@app.command()
def retry(letter: LetterId) -> None:
    """把事件再交给放弃它的消费者办一次；办成即不再列出。"""
    from cli.connections.databases import record

    with record() as engine:
        show(asyncio.run(_retry(engine, letter)))
    say("已补办。")


@app.command()
def drop(
    letter: LetterId,
    *,
    reason: Annotated[str, typer.Option(help="为什么不再办理，留作记录")],
) -> None:
    """决定不再办理一封死信；死信与理由仍留在记录中。"""
    from cli.connections.databases import record
    from cli.connections.viewer import login_name
    from services.stream.dead_letters import discard

    with record() as engine:
        show(discard(engine, letter, login_name(), reason))
    say("已记录：不再办理。")


async def _record_advisories(engine: "Engine") -> None:
    """Put on record the dead letters that only the server knows of."""
    from nats.errors import Error as NatsError

    from cli.connections.services import quiet_logs
    from cli.connections.stream import stream
    from services.stream.advisories import record_advisories
    from services.unavailable import Unavailable

    quiet_logs()
    try:
        async with stream(options().settings(), "dead-letter") as js:
            await record_advisories(engine, js)
    except (Unavailable, NatsError):
        say("NATS 没有应答：只列出记录中已有的死信。")


async def _retry(engine: "Engine", letter: str) -> "DeadLetterView":
    from cli.commands.dead_letter.consumers import consumers
    from cli.connections.services import quiet_logs
    from cli.connections.stream import stream
    from cli.connections.viewer import login_name
    from services.stream.dead_letter_retry import retry as retry_dead_letter
    from services.unavailable import Unavailable

    quiet_logs()
    work = consumers(engine)
    try:
        async with stream(options().settings(), "dead-letter") as js:
            return await retry_dead_letter(engine, letter, work, js, login_name())
    except Unavailable:
        return await retry_dead_letter(engine, letter, work, None, login_name())
