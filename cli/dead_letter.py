"""`tuixuan dead-letter`: events that a consumer gave up, and one more try."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """列出消费者放弃了的事件（邮件的死信见 delivery list --status failed）。"""
    from cli.deadletterwork import list_all

    list_all()


@app.command()
def retry(
    letter: Annotated[str, typer.Argument(metavar="ID", help="死信编号（见 dead-letter list）")],
) -> None:
    """把事件再交给放弃它的消费者办一次；办成即从死信中移除。"""
    from cli.deadletterwork import retry_one

    retry_one(letter)
