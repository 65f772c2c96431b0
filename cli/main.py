"""The `tuixuan` command: lists the commands, and loads the one that was asked for."""

import importlib
import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.frame import errors
from cli.frame.completion import ASKED, PROGRAM, answer_shells
from cli.frame.exits import Exit
from cli.frame.help import in_language
from cli.frame.language import language_of
from cli.frame.options import Options, Output, add_options, begin, options
from cli.frame.standard_streams import flush_stdout, prepare_streams
from workers.folder.privacy import OWN


@dataclass(frozen=True)
class Entry:
    """A command of the first level. Its module is imported only when it is used.

    Attributes:
        module: The module, with `app`, a `typer.Typer`.
        help: One line of help.
        name: Which command of `app` it is, if the module has several of the first level.
        group: Whether it has commands of its own.
    """

    module: str
    help: str
    name: str | None = None
    group: bool = False


COMMANDS: Mapping[str, Entry] = {
    "up": Entry("cli.commands.stack", "启动整个系统，按 Ctrl-C 停止", name="up"),
    "down": Entry("cli.commands.stack", "停止后台运行的系统", name="down"),
    "status": Entry("cli.commands.stack", "查看系统是否运行、各进程与地址", name="status"),
    "season": Entry("cli.commands.season", "征集季：开启、查看、调整日期、单独延长", group=True),
    "case": Entry("cli.commands.case", "案例：申报、查看、办理", group=True),
    "inbox": Entry("cli.commands.inbox", "查看一位用户的站内消息"),
    "delivery": Entry(
        "cli.commands.delivery",
        "通知投递（邮件、机器人、短信）：查看、重投、谁没有收到提醒",
        group=True,
    ),
    "webhook": Entry(
        "cli.commands.webhook", "回调：登记、测试、失败的、轮换密钥、重发", group=True
    ),
    "event": Entry("cli.commands.event", "事件：昨夜发生了什么、各事件的去向、积压", group=True),
    "dead-letter": Entry(
        "cli.commands.dead_letter", "死信：消费者放弃的事件，查看、补办", group=True
    ),
    "stream": Entry("cli.commands.stream", "事件流：丢失后由记录重建", group=True),
    "template": Entry("cli.commands.template", "通知模板：列出、预览", group=True),
    "user": Entry("cli.commands.user", "用户：查看、设定邮箱与渠道、日历订阅", group=True),
    "audit": Entry("cli.commands.audit", "审计记录：谁做过什么、核验、签名、导出", group=True),
    "retention": Entry("cli.commands.retention", "保存期限：查看、清除到期的资料", group=True),
    "reconcile": Entry("cli.commands.reconcile", "核对四处记录是否一致，并向前修复"),
    "calendar": Entry("cli.commands.calendar", "工作日安排", group=True),
    "demo": Entry("cli.commands.demo", "演示：一件新案例从草稿走到公布"),
    "worker": Entry("cli.commands.worker", "运行一个后台进程（通常由 up 启动）"),
    "temporal": Entry("cli.commands.temporal", "在运行中的系统上使用 Temporal 自己的命令"),
    "server": Entry("cli.commands.server", "自备的 Temporal：建立命名空间与搜索属性", group=True),
    "db": Entry("cli.commands.db", "数据库", group=True),
    "completion": Entry("cli.commands.completion", "命令行补全：输出 bash、zsh 或 fish 的补全脚本"),
    "doctor": Entry("cli.commands.doctor", "检查环境，指出问题及解决办法"),
    "version": Entry("cli.commands.stack", "显示版本", name="version"),
}


class Root(TyperGroup):
    """The commands of the first level, each a placeholder until it is used."""

    def resolve_command(
        self,
        ctx: Any,  # noqa: ANN401 - the context is private to Typer
        args: list[str],
    ) -> tuple[str | None, Any, list[str]]:
        """Find the command that was asked for, and load it."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            command = load(name)
            in_language(command, options().language)
        return name, command, rest


def root() -> Root:
    """Return the command of the first level."""
    placeholders = {
        name: TyperCommand(name, help=entry.help, rich_markup_mode=None)
        for name, entry in COMMANDS.items()
    }
    command = Root(
        name=PROGRAM,
        commands={**placeholders},
        help="推选：征集推选全过程，从草稿到公布。",
        epilog="每条命令都接受上述选项，写在命令名之前或之后均可；详见 tuixuan 命令 --help。",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command.params = []
    add_options(command, below=False)
    in_language(command, options().language)
    return command


def load(name: str) -> TyperCommand | TyperGroup:
    """Import a command of the first level, and add the common options to it and all below it."""
    entry = COMMANDS[name]
    app: typer.Typer = importlib.import_module(entry.module).app
    command: Any = typer.main.get_group(app) if entry.group else typer.main.get_command(app)
    if entry.name is not None:
        command = command.commands[entry.name]
    command.help = command.help or entry.help
    add_options(command)
    loaded: TyperCommand | TyperGroup = command
    return loaded


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; the only exception that leaves is `SystemExit`."""
    given = Options(language=language_of(arguments, os.environ))
    prepare_streams()
    begin(given)
    if ASKED in os.environ:
        answer_shells()
    try:
        code = root().main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        ended = code if isinstance(code, int) else Exit.OK
    except SystemExit:
        flush_stdout(Exit.OK)
        raise
    except KeyboardInterrupt:
        ended = Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is where every error ends
        ended = errors.report(error, as_json=given.json or _asks_for_json(arguments))
    return flush_stdout(ended)


def main() -> None:
    """Run the command line of this process; what it makes, its owner alone reads."""
    os.umask(OWN)
    sys.exit(run(sys.argv[1:]))


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Tell whether JSON was asked for on a line that could not be parsed to its end."""
    pairs = itertools.pairwise(arguments)
    return f"--output={Output.JSON}" in arguments or ("--output", Output.JSON) in pairs
