"""`tuixuan season`: open seasons, look at them, move their dates."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.effects import DryRun, agreed
from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show, show_page
from cli.frame.words import MOVED_TO, WHEN

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cli.connections.services import Connections
    from cli.frame.cells import Beginning
    from services.dates.change import MilestoneChange
    from services.dates.extensions import Extended
    from services.dates.moves import MilestoneMove

app = typer.Typer(no_args_is_help=True)

Season = Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号，如 2024")]
Reason = Annotated[str, typer.Option("--reason", help="理由，会告知有关人员")]
COLUMNS = {"id": "编号", "title": "名称", "opened_at": "开启于", "cases": "案例数"}


@app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="征集方案（TOML）", dir_okay=False)],
    starting: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="改在这一天开始，其余日期顺移")
    ] = None,
    pace: Annotated[
        str | None, typer.Option(metavar="1d=SECONDS", help="演练用：一天按多少秒走")
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="征集季编号；默认用方案中的")] = None,
) -> None:
    """按方案文件开启一个征集季。"""
    from cli.connections.databases import record
    from models.programme.definition import Programme
    from models.text.encodings import decode_text
    from services.clock import now
    from services.seasons.opening import Opening, open_season

    programme = Programme.from_toml(decode_text(file.read_bytes(), f"征集方案文件 {file}"))
    day = None if starting is None else starting.date()
    opening = Opening(season_id=id_, starting=day, pace=pace)
    with record() as engine:
        show(open_season(engine, programme, now(), opening), COLUMNS)


@app.command("list")
def list_(
    all_: Annotated[
        bool, typer.Option("--all", help="也列出演示的（编号以 demo- 开头）与已归档的")
    ] = False,
) -> None:
    """列出征集季，新的在前；演示的与已归档的不列。"""
    from cli.connections.databases import record
    from services.seasons.queries import list_seasons

    with record() as engine:
        show_page(list_seasons(engine, demos=all_), COLUMNS)


@app.command("show")
def show_(season: Season) -> None:
    """查看一个征集季及其日程（时间为截止的那一刻；开放申报与公示开始为开始的那一刻）。"""
    from cli.connections.databases import record
    from services.seasons.lookup import find_season
    from services.seasons.queries import show_season

    with record() as engine:
        found = show_season(engine, find_season(engine, season))
    show(found, {**COLUMNS, "seconds_per_day": "一天的秒数"})
    if not options().json:
        show([{"milestone": each, "at": _shown(each, at)} for each, at in found.milestones.items()])


@app.command()
def move(
    season: Season,
    milestone: Annotated[
        str,
        typer.Argument(
            metavar="MILESTONE",
            help="日程节点：名称或代号，如 申报推荐截止、cutoff（见 season show）",
        ),
    ],
    reason: Reason,
    when: Annotated[str | None, typer.Argument(metavar="WHEN", help=MOVED_TO)] = None,
    body: Annotated[str | None, typer.Option(help="只调整这一推荐单位的申报推荐截止")] = None,
    now: Annotated[
        bool, typer.Option("--now", help="现在截止（或允许 WHEN 为已过的时间）")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """调整日程：先显示影响；受影响的案例重设期限与提醒，因原日期逾期的恢复办理，并通知有关人员。"""
    from cli.connections.databases import record
    from cli.connections.services import connected
    from services.dates.milestones import Milestones
    from services.dates.moves import foresee_move
    from services.seasons.lookup import find_milestone

    name = find_milestone(milestone)
    after, closes = _moment(name, when, now=now)
    with record() as engine:
        change = replace(_change(engine, season, name, body, after), reason=reason, closes=closes)
        if not agreed(lambda: foresee_move(engine, change), dry_run=dry_run):
            return
    _report(connected(lambda here: Milestones(here.engine, here.service).move(change)))


def _change(
    engine: "Engine", season: str, milestone: str, body: str | None, after: datetime
) -> "MilestoneChange":
    """Return a change of what somebody means by the names that they typed, without a reason yet."""
    from cli.connections.viewer import acting_organiser
    from services.dates.change import MilestoneChange
    from services.seasons.lookup import find_body, find_milestone, find_season

    season_id = find_season(engine, season)
    body_id = body and find_body(engine, body, season_id)
    actor = acting_organiser()
    return MilestoneChange(season_id, find_milestone(milestone), after, "", actor, body_id)


def _report(moved: "MilestoneMove") -> None:
    """Show what a moved date came to.

    Raises:
        Exit: Some cases could not be told.
    """
    before, after = (_shown(moved.milestone, at) for at in (moved.before, moved.after))
    show(moved.model_dump() | {"before": before, "after": after})
    say(f"{len(moved.cases)} 个案例的期限随之调整，{len(moved.reopened)} 个案例恢复办理。")
    if moved.missed:
        say(
            f"{len(moved.missed)} 个案例的流程不在运行，期限尚未调整，也未通知："
            "请执行 tuixuan reconcile --restart。"
        )
        raise typer.Exit(Exit.FOUND)


@app.command()
def extend(
    season: Season,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="申报单位的名称、编号或其开头")],
    until: Annotated[str, typer.Argument(metavar="UNTIL", help=WHEN)],
    reason: Reason,
    dry_run: DryRun = False,
) -> None:
    """单独延长一个申报单位的申报截止时间（其所有草稿；已逾期的恢复办理）。"""
    from cli.connections.databases import record
    from cli.connections.services import connected
    from cli.frame.moments import parse_moment
    from services.dates.extensions import Extensions, foresee_unit
    from services.seasons.lookup import find_unit

    after = parse_moment(until)
    with record() as engine:
        change = replace(_change(engine, season, "cutoff", None, after), reason=reason)
        unit = find_unit(engine, unit, change.season_id)
        if not agreed(lambda: foresee_unit(engine, unit, change), dry_run=dry_run):
            return

    async def work(here: "Connections") -> "Extended":
        return await Extensions(here.engine, here.service).extend_unit(unit, change)

    done = connected(work)
    show({"unit": unit, "until": change.after, **done._asdict()})


def _moment(milestone: str, when: str | None, *, now: bool) -> tuple[datetime, bool]:
    """Return a milestone's new date, and whether one that has come already is meant."""
    from cli.frame.moments import parse_moment
    from models.programme.milestones import BEGINNINGS

    if when is None and not now:
        raise typer.BadParameter(f"请给出 WHEN：{WHEN}；现在截止请用 --now")
    after = parse_moment(when or "now", begins=milestone in BEGINNINGS)
    if now and after > datetime.now(UTC):
        raise typer.BadParameter(f"--now 表示现在截止，而“{when}”是将来的时间，请去掉其中之一")
    return after, now or when == "now"


def _shown(milestone: str, at: datetime | None) -> "Beginning | datetime | None":
    """Return a milestone's instant as people read it; programs get it as it is."""
    from cli.frame.cells import Beginning
    from models.programme.milestones import BEGINNINGS

    if at is None or milestone not in BEGINNINGS or options().json:
        return at
    return Beginning(at)
