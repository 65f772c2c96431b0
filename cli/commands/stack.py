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

TemporalPort = Annotated[
    int | None,
    typer.Option(help="Temporal 端口，默认 7233 或空闲端口", metavar="PORT", min=1, max=65535),
]
UiPort = Annotated[
    int | None,
    typer.Option(help="Temporal 网页端口，默认 8233 或空闲端口", metavar="PORT", min=1, max=65535),
]
NatsPort = Annotated[
    int | None,
    typer.Option(help="NATS 端口，默认 4222 或空闲端口", metavar="PORT", min=1, max=65535),
]
PortalPort = Annotated[
    int | None,
    typer.Option(help="门户端口，默认 8080 或空闲端口", metavar="PORT", min=1, max=65535),
]


@app.command(help="启动整个系统，按 Ctrl-C 停止")
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="在后台运行，就绪后返回")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="首次启动时不开启示例征集季")] = False,
    temporal_port: TemporalPort = None,
    ui_port: UiPort = None,
    nats_port: NatsPort = None,
    portal_port: PortalPort = None,
) -> None:
    asked = {
        "temporal": temporal_port,
        "temporal_ui": ui_port,
        "nats": nats_port,
        "portal": portal_port,
    }
    ports = {name: port for name, port in asked.items() if port is not None}
    settings = _settings(ports)
    if detach:
        _detach(settings, ports, empty=empty)
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


@app.command(
    help="查看系统是否运行、各进程与地址；就绪时退出码为 0，正在启动或恢复时为 75，未运行时为 69"
)
def status(
    *,
    links: Annotated[
        bool,
        typer.Option("--links", help="只列出 Temporal 网页中常用的案例清单：名称、筛选条件、网址"),
    ] = False,
) -> None:
    from cli.frame.exits import Exit
    from workers.folder.report import read_report

    report = read_report(_places())
    if links:
        _show_links(report)
        return
    _show_status(report)
    if not report["ready"]:
        raise typer.Exit(Exit.UNAVAILABLE if report["pid"] is None else Exit.TRY_AGAIN)


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


def _show_links(report: "StackReport") -> None:
    from cli.frame.temporal_links import links
    from services.clock import now

    ui, namespace = report["addresses"]["temporal_ui"], report["temporal_namespace"]
    found = links(ui if namespace else None, namespace or "", now())
    rows = [each._asdict() for each in found]
    show({"items": rows, "next_cursor": None}, {"name": "清单", "query": "筛选条件", "url": "网址"})
    if ui is None:
        say("不知道 Temporal 网页的地址：系统没有运行，或 Temporal 由别处提供。")


def _show_status(report: "StackReport") -> None:
    from cli.frame.greeting import ADDRESSES, pages

    if options().output is not None:
        rows = [{**process} for process in report["processes"]]
        show(report if options().json else rows, COLUMNS)
        return
    if report["pid"] is None:
        print(f"系统未在 {report['state_dir']} 运行。启动：tuixuan up")
        return
    print(f"系统{'已就绪' if report['ready'] else '正在启动或恢复'}（{report['state_dir']}）")
    show([{**process} for process in report["processes"]], COLUMNS)
    known = {name: address for name, address in pages(report).items() if address}
    show(known, {name: ADDRESSES[name] for name in known})


def _settings(ports: dict[str, int] | None = None) -> "StackSettings":
    """Return the settings of the folder, with the ports that were asked for by option."""
    from workers.settings.stack import StackSettings
    from workers.stack.ports import PORTS

    sections: dict[str, dict[str, int]] = {}
    for name, port in (ports or {}).items():
        known = PORTS[name]
        sections.setdefault(known.section, {})[known.setting] = port
    return StackSettings.load(state_dir=options().state_dir, **sections)


def _places() -> "Places":
    return _settings().places


def _detach(settings: "StackSettings", ports: dict[str, int], *, empty: bool) -> None:
    from workers.stack import detach as background
    from workers.stack.ports import PORTS

    flags = ["--empty"] if empty else []
    for name, port in ports.items():
        flags += [PORTS[name].option, str(port)]
    report = background.up_in_background(settings.places, flags, say)
    _announce(report, settings)


def _announce(report: "StackReport", settings: "StackSettings") -> None:
    """Tell where everything is, and what to try."""
    if options().json:
        show(report)
        return
    if options().quiet:
        return
    from cli.frame.greeting import greeting

    print(greeting(report, settings), flush=True)
