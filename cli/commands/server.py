"""`tuixuan server`: servers of one's own, prepared for the system."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show

if TYPE_CHECKING:
    from workers.stack.temporal_needs import TemporalNeeds

app = typer.Typer(no_args_is_help=True)


@app.callback()
def server() -> None:
    """自备的服务器。"""


@app.command()
def prepare(
    *,
    only_print: Annotated[
        bool, typer.Option("--print", help="只列出要执行的命令，不作更改；有缺失时退出码为 3")
    ] = False,
) -> None:
    """在 TEMPORAL_ADDRESS 指定的 Temporal 上建立命名空间与搜索属性；已有的不动，可重复执行。"""
    settings = options().settings()
    address, namespace = settings.temporal_address, settings.temporal_namespace
    if only_print:
        _print(address, namespace)
        return
    from workers.stack.temporal_needs import NotAllowed, make_needs

    try:
        made = asyncio.run(make_needs(address, namespace))
    except NotAllowed as refused:
        say(f"该服务器不允许我们建立（{refused}）。请管理员执行：")
        _print(address, namespace)
        return
    show(_row(address, namespace, made))
    _stop_where_wrong(made)
    say("Temporal 已准备好。接下来：tuixuan doctor，然后 tuixuan up。")


def _print(address: str, namespace: str) -> None:
    from workers.stack.temporal_needs import ask_needs, operator_commands

    needs = asyncio.run(ask_needs(address, namespace))
    commands = operator_commands(address, namespace, needs)
    if options().json:
        show({**_row(address, namespace, needs), "commands": commands})
    else:
        for command in commands:
            print(command)
    _stop_where_wrong(needs)
    if needs:
        raise typer.Exit(Exit.FOUND)
    say("什么都不缺。")


def _row(address: str, namespace: str, needs: "TemporalNeeds") -> dict[str, object]:
    """Return what was missing before."""
    return {
        "address": address,
        "namespace": namespace,
        "namespace_missing": needs.namespace,
        "attributes_missing": list(needs.absent),
    }


def _stop_where_wrong(needs: "TemporalNeeds") -> None:
    if needs.wrong:
        said = "、".join(f"{name}（{kind}）" for name, kind in needs.wrong.items())
        say(f"搜索属性的类型不对：{said}。请用 TEMPORAL_NAMESPACE 换一个命名空间，或删除后重建。")
        raise typer.Exit(Exit.FOUND)
