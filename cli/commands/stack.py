"""`tuixuan up`, `down`, `status`, `version`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.options import options
from cli.frame.output import say, show

if TYPE_CHECKING:
    from workers.folder.places import Places
    from workers.folder.report import StackReport
    from workers.settings.stack import StackSettings

app = typer.Typer()

COLUMNS = {
    "name": "进程",
    "pid": "进程号",
    "ready": "就绪",
    "restarts": "重启次数",
    "health": "健康检查",
}


@app.command(help="启动整个系统，按 Ctrl-C 停止")
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="在后台运行，就绪后返回")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="首次启动时不开启示例征集季")] = False,
    temporal_port: Annotated[
        int | None, typer.Option(help="Temporal 端口，默认 7233 或空闲端口", metavar="PORT")
    ] = None,
    ui_port: Annotated[
        int | None, typer.Option(help="Temporal 网页端口，默认 8233 或空闲端口", metavar="PORT")
    ] = None,
    nats_port: Annotated[
        int | None, typer.Option(help="NATS 端口，默认 4222 或空闲端口", metavar="PORT")
    ] = None,
    nats_monitor_port: Annotated[
        int | None, typer.Option(help="NATS 监控端口，默认 8222 或空闲端口", metavar="PORT")
    ] = None,
    portal_port: Annotated[
        int | None, typer.Option(help="门户端口，默认 8080 或空闲端口", metavar="PORT")
    ] = None,
) -> None:
    temporal = {"port": temporal_port, "ui_port": ui_port}
    nats = {"port": nats_port, "monitor_port": nats_monitor_port}
    settings = _settings(temporal, nats, {"port": portal_port})
    if detach:
        flags = ["--empty"] if empty else []
        for option, port in {
            "--temporal-port": temporal_port,
            "--ui-port": ui_port,
            "--nats-port": nats_port,
            "--nats-monitor-port": nats_monitor_port,
            "--portal-port": portal_port,
        }.items():
            flags += [option, str(port)] if port else []
        _detach(settings, flags)
        return
    from workers.stack.up import up as run_stack

    run_stack(settings, lambda report: _announce(report, settings), empty=empty)


@app.command(help="停止后台运行的系统，等到全部进程退出")
def down() -> None:
    from workers.stack import detach as background

    places = _places()
    stopped = background.down(places)
    if options().json:
        show({"stopped": stopped, "state_dir": str(places.root)})
    elif stopped:
        say(f"系统已停止（{places.root}）。")
    else:
        say(f"{places.root} 中没有系统在运行，无需停止。")


@app.command(help="查看系统是否运行、各进程与地址")
def status() -> None:
    from workers.folder.report import read_report

    places = _places()
    report = read_report(places)
    if options().output is not None:
        rows = [{**process} for process in report["processes"]]
        show(report if options().json else rows, COLUMNS)
        return
    if report["pid"] is None:
        print(f"系统未在 {places.root} 运行。启动：tuixuan up")
        return
    print(f"系统{'已就绪' if report['ready'] else '正在启动或恢复'}（{places.root}）")
    show([{**process} for process in report["processes"]], COLUMNS)
    show({name: address for name, address in report["addresses"].items() if address})


@app.command(help="显示软件、数据库与事件的版本")
def version() -> None:
    from models.store.upgrade import newest_record_version
    from models.stream.names import SUBJECTS
    from workers.logs.setup import app_version

    show(
        {
            "version": app_version(),
            "database": newest_record_version(),
            "events": SUBJECTS.split(".")[1],
            "python": sys.version.split()[0],
        }
    )


def _settings(
    temporal: dict[str, int | None] | None = None,
    nats: dict[str, int | None] | None = None,
    portal: dict[str, int | None] | None = None,
) -> "StackSettings":
    from workers.settings.stack import StackSettings

    def given(part: dict[str, int | None] | None) -> dict[str, int] | None:
        return {name: port for name, port in (part or {}).items() if port is not None} or None

    return StackSettings.load(
        state_dir=options().state_dir,
        temporal=given(temporal),
        nats=given(nats),
        portal=given(portal),
    )


def _places() -> "Places":
    return _settings().places


def _detach(settings: "StackSettings", flags: list[str]) -> None:
    from workers.stack import detach as background

    report = background.up_in_background(settings.places, flags, say)
    _announce(report, settings)


def _announce(report: "StackReport", settings: "StackSettings") -> None:
    """Say where everything is, and what to try."""
    if options().json:
        show(report)
        return
    if options().quiet:
        return
    from cli.frame.greeting import greeting

    print(greeting(report, settings), flush=True)
