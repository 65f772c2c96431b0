"""`tuixuan doctor`: what is wrong here, and what to do about it."""

import typer

from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show

app = typer.Typer(add_completion=False)


@app.command()
def doctor() -> None:
    """检查环境，指出问题及解决办法；发现问题时退出码为 3"""
    from workers.doctor.examination import examine
    from workers.settings.stack import StackSettings

    found = examine(StackSettings.load(state_dir=options().state_dir))
    ok = all(each.ok for each in found)
    rows = [vars(each) for each in found]
    if options().json:
        show({"ok": ok, "checks": rows})
    else:
        shown = [{**row, "ok": "✓" if row["ok"] else "✗"} for row in rows]
        show(shown, {"ok": "", "name": "检查", "found": "情况", "advice": "办法"})
    if not ok:
        say("有问题待处理，见“办法”一栏。")
        raise typer.Exit(Exit.FOUND)
