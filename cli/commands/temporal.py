"""`tuixuan temporal …`: the Temporal CLI on the server and namespace of the running system."""

import os
import sys
from typing import NoReturn

import typer

from cli.frame.options import options

app = typer.Typer(add_completion=False)


@app.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "allow_interspersed_args": False,
    },
    help=(
        "在运行中的系统上使用 Temporal 自己的命令："
        "其后的参数原样交给 temporal，地址与命名空间已经设好。"
        "例：tuixuan temporal workflow list；各命令的用法：tuixuan temporal workflow --help。"
        "本命令的选项（如 --state-dir）须写在最前。"
    ),
)
def temporal(
    context: typer.Context,
    command: str = typer.Argument("help", metavar="COMMAND", help="Temporal 的命令，如 workflow"),
) -> NoReturn:
    settings = options().settings()
    binary = _binary()
    environ = {
        **os.environ,
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "TEMPORAL_NAMESPACE": settings.temporal_namespace,
    }
    sys.stdout.flush()
    os.execve(binary, [binary, command, *context.args], environ)  # noqa: S606 - no shell is meant


def _binary() -> str:
    """Return the server's own binary, which is the command too.

    Raises:
        ServerMissing: There is none on this machine.
    """
    from workers.servers.found import Binary, ServerMissing
    from workers.servers.temporal import temporal_at_hand

    found = temporal_at_hand({**os.environ, "TEMPORAL_ADDRESS": ""})
    if not isinstance(found, Binary):
        raise ServerMissing(
            "本机没有 temporal 命令。请安装 Temporal CLI 1.8.0 或更新的版本（须在 PATH 上），"
            "或执行 make setup。"
        )
    return str(found.path)
