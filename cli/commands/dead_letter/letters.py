"""`tuixuan dead-letter`: events that a consumer gave up, and what to do with them."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="死信编号（见 dead-letter list）")]


@app.command("list")
def list_(
    *,
    all_: Annotated[bool, typer.Option("--all", help="也列出已补办、已放弃的")] = False,
) -> None:
    """列出消费者放弃了的事件（邮件的死信见 delivery list --status failed）。"""
    from cli.commands.deadletterwork import list_all

    list_all(settled=all_)


@app.command()
def show(letter: LetterId) -> None:
    """查看一封死信：哪个事件、为什么、试了几次、后来如何处理。"""
    from cli.commands.deadletterwork import show_one

    show_one(letter)


@app.command()
def retry(letter: LetterId) -> None:
    """把事件再交给放弃它的消费者办一次；办成即不再列出。"""
    from cli.commands.deadletterwork import retry_one

    retry_one(letter)


@app.command()
def drop(
    letter: LetterId,
    *,
    reason: Annotated[str, typer.Option(help="为什么不再办理，留作记录")],
) -> None:
    """决定不再办理一封死信；死信与理由仍留在记录中。"""
    from cli.commands.deadletterwork import drop_one

    drop_one(letter, reason)
