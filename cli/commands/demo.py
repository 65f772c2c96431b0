"""`tuixuan demo`: one new case through every stage, in front of one's eyes."""

import typer

app = typer.Typer(add_completion=False)


@app.command()
def demo() -> None:
    """演示：一件新案例从草稿走到公布，每一步都显示事件、消息、邮件与审计记录。"""
    from cli.commands.demowork import run

    run()
