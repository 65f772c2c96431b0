"""What the commands of `tuixuan retention` do."""

from cli.connections.databases import record
from cli.connections.viewer import viewer
from cli.frame.output import confirm, say, show
from services.clock import now
from services.retention.removal import due, removing, total
from services.retention.views import FOREVER

DUE_COLUMNS = {
    "name": "类别",
    "label": "内容",
    "days": "保存天数",
    "since": "起算",
    "due": "已到期",
    "oldest": "最早起算于",
}
REMOVED_COLUMNS = {"name": "类别", "label": "内容", "removed": "已清除", "deeds": "清除记录"}


def show_due(season: str) -> None:
    """Show how long each class is kept, and what is due."""
    with record() as engine:
        items = due(engine, now(), season)
    show({"items": items, "next_cursor": None, "forever": FOREVER}, DUE_COLUMNS)
    say(f"永久保存：{'、'.join(FOREVER)}。")


def apply_due(season: str, *, dry_run: bool) -> None:
    """Remove what is due, once that is confirmed."""
    by, at = viewer(), now()
    with record() as engine:
        items = due(engine, at, season)
        count = sum(each.due for each in items)
        if dry_run:
            show({"items": items, "next_cursor": None}, DUE_COLUMNS)
            say("只是列出，未清除。")
            return
        batches = removing(engine, season, by.actor, by.request, at)
        if count:
            confirm(f"将清除征集季 {season} 已到期的 {count} 项资料，不能恢复。")
        done = total(season, batches)
    show({"items": done, "next_cursor": None}, REMOVED_COLUMNS)
    say("没有到期的资料。" if not count else "已清除；清除记录由审计见证。")
