"""`tuixuan completion`: print what a shell needs to complete our commands and options."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.frame.completion import script

app = typer.Typer(add_completion=False)


class Shell(StrEnum):
    """The shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash、zsh 或 fish")],
) -> None:
    """输出补全脚本：此后按 Tab 补全命令、选项与可选的值。

    安装：

    bash：把 source <(tuixuan completion bash) 写入 ~/.bashrc

    zsh：把 source <(tuixuan completion zsh) 写入 ~/.zshrc，在 compinit 之后

    fish：执行 tuixuan completion fish > ~/.config/fish/completions/tuixuan.fish
    """
    print(script(shell))
