"""What the commands of `tuixuan season` do."""

from datetime import date
from pathlib import Path

import typer

from cli.connections.databases import record
from cli.connections.services import connected
from cli.frame.exits import Exit
from cli.frame.moments import parse_moment
from cli.frame.options import options
from cli.frame.output import say, show
from models.cases.actors import Actor, Role
from models.programme.definition import Programme
from services.clock import now
from services.dates.milestones import MilestoneChange, MilestoneMove, Milestones
from services.seasons.opening import Opening, open_season
from services.seasons.queries import list_seasons, show_season

COLUMNS = {"id": "编号", "title": "名称", "opened_at": "开启于", "cases": "案例数"}


def open_file(file: Path, season_id: str | None, starting: date | None, pace: str | None) -> None:
    """Open the season that a programme file describes."""
    programme = Programme.from_toml(file.read_text(encoding="utf-8-sig"))
    opening = Opening(season_id=season_id, starting=starting, pace=pace)
    with record() as engine:
        show(open_season(engine, programme, now(), opening), COLUMNS)


def list_all() -> None:
    """Show all seasons."""
    with record() as engine:
        show({"items": list_seasons(engine), "next_cursor": None}, COLUMNS)


def show_one(season: str) -> None:
    """Show a season and its dates."""
    with record() as engine:
        found = show_season(engine, season)
    show(found, {**COLUMNS, "seconds_per_day": "一天的秒数"})
    if not options().json:
        show([{"milestone": name, "at": at} for name, at in found.milestones.items()])


def move(season: str, milestone: str, when: str, reason: str, body: str | None) -> None:
    """Move a milestone and tell every case that it touches."""
    moving = MilestoneChange(season, milestone, parse_moment(when), reason, _actor(), body)
    moved: MilestoneMove = connected(
        lambda here: Milestones(here.engine, here.service).move(moving)
    )
    show(moved)
    say(f"{len(moved.cases)} 个案例的期限随之调整。")
    if moved.missed:
        say(
            f"{len(moved.missed)} 个案例的流程不在运行，期限尚未调整，也未通知："
            "请执行 tuixuan reconcile --restart。"
        )
        raise typer.Exit(Exit.FOUND)


def extend(season: str, unit: str, until: str, reason: str) -> None:
    """Give one unit's drafts a later cutoff."""
    moving = MilestoneChange(season, "cutoff", parse_moment(until), reason, _actor())
    cases: list[str] = connected(
        lambda here: Milestones(here.engine, here.service).extend_unit(season, unit, moving)
    )
    show({"unit": unit, "until": moving.after, "cases": cases})


def _actor() -> Actor:
    return options().actor() or Actor(role=Role.ORGANISER, id="organiser")
