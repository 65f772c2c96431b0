"""What `tuixuan up` prints when everything is ready."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cli.frame.temporal_links import OPEN, workflows_url
from workers.folder.places import default_state_dir

if TYPE_CHECKING:
    from workers.folder.places import Places
    from workers.folder.report import StackReport
    from workers.settings.stack import StackSettings

ADDRESSES = {
    "portal": "门户",
    "temporal_ui": "Temporal 网页（未结案例）",
    "temporal": "Temporal",
    "nats": "NATS",
    "database": "数据库",
    "audit": "审计库",
}


def greeting(report: "StackReport", settings: "StackSettings") -> str:
    """Return the addresses, the folder, where mail goes, and three commands to try."""
    places = settings.places
    known = pages(report)
    lines = ["", "推选系统已就绪。"]
    lines += [f"  {label}：{known[name]}" for name, label in ADDRESSES.items() if known[name]]
    lines += [f"  状态目录：{places.root}", f"  邮件：{_mail(settings, places)}", "", "试一试："]
    lines += [f"  {command}" for command in _commands(settings)]
    return "\n".join([*lines, ""])


def pages(report: "StackReport") -> "dict[str, str | None]":
    """Return the addresses with pages that show something when they are opened."""
    known = cast("dict[str, str | None]", {**report["addresses"]})
    ui, namespace = known["temporal_ui"], report["temporal_namespace"]
    if ui is None or namespace is None:
        return known
    return {**known, "temporal_ui": workflows_url(ui, namespace, OPEN)}


def _mail(settings: "StackSettings", places: "Places") -> str:
    mail = settings.mail
    if mail.host is not None:
        return f"经 {mail.host}:{mail.server_port} 发出"
    folder = mail.folder or places.mail
    return f"未设置邮件服务器，信件以 .eml 文件存于 {folder}（设置 TUIXUAN_MAIL__HOST 可发出）"


def _commands(settings: "StackSettings") -> list[str]:
    where = _program()
    if settings.state_dir != default_state_dir():
        where += f" --state-dir {shlex.quote(str(settings.state_dir))}"
    return [
        f"{where} demo        # 一件新案例从草稿走到公布",
        f"{where} case list   # 现有案例各在哪一步",
        f"{where} down        # 停止系统",
    ]


def _program() -> str:
    """Return the plain name of the program, or its path if the shell would not find it."""
    beside = Path(sys.executable).parent / "tuixuan"
    if shutil.which("tuixuan") is not None or not beside.exists():
        return "tuixuan"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)
