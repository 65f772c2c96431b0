"""The options that every command takes, before or after its name."""

# ruff: noqa: ANN401 - contexts, parameters and commands are private to Typer

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli.frame.language import Language

if TYPE_CHECKING:
    from models.cases.actors import Actor
    from workers.settings.worker import WorkerSettings


class Output(StrEnum):
    """How data is written."""

    JSON = "json"
    TABLE = "table"
    CSV = "csv"


@dataclass
class Options:
    """The options that were given. `output` None: a table on a terminal, plain lines in a pipe.

    `language`: of help and tables; where it is not given, that of the environment.
    """

    state_dir: Path | None = None
    output: Output | None = None
    actor_text: str | None = None
    quiet: bool = False
    yes: bool = False
    language: Language = Language.ZH

    @property
    def json(self) -> bool:
        """Whether JSON was asked for."""
        return self.output is Output.JSON

    def actor(self, default: "Actor | None" = None) -> "Actor | None":
        """Return who acts: `--as ROLE:ID`, else the default.

        Raises:
            BadParameter: It is not of this form, or there is no such role.
        """
        if self.actor_text is None:
            return default
        return _parse_actor(self.actor_text)

    def settings(self) -> "WorkerSettings":
        """Return the settings of the stack that `--state-dir` names."""
        from workers.settings.worker import WorkerSettings

        return WorkerSettings.load(state_dir=self.state_dir)


_current: ContextVar[Options] = ContextVar("options")


def options() -> Options:
    """Return the options of the command that runs."""
    return _current.get()


def begin(given: Options) -> None:
    """Make these the options of this run."""
    _current.set(given)


def add_options(command: Any, *, below: bool = True) -> None:
    """Give a command, and every command below it, the common options.

    Args:
        command: A command or a group of Typer.
        below: Whether to add them to the commands below it too.
    """
    command.rich_markup_mode = None  # plain help: rich would take half of the time allowed for help
    command.params += _common_parameters()
    if below and isinstance(command, TyperGroup):
        for lower in command.commands.values():
            add_options(lower)


def _template(
    state_dir: Annotated[
        Path | None, typer.Option("--state-dir", metavar="DIR", help="系统的状态目录")
    ] = None,
    output: Annotated[
        Output | None, typer.Option("--output", help="输出格式；默认：终端为表格，管道为纯文本")
    ] = None,
    actor_text: Annotated[
        str | None, typer.Option("--as", metavar="ROLE:ID", help="以何种身份办理")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="不输出提示")] = False,
    language: Annotated[
        Language | None, typer.Option("--lang", help="说明与表格的语言；默认依 LANG")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="一律答“是”，不再询问")] = False,
) -> None:
    """Declare the options; it is never called."""


def _common_parameters() -> list[Any]:
    """Return new parameters: each command needs its own."""
    app = typer.Typer(add_completion=False)
    app.command()(_template)
    command = typer.main.get_command(app)
    for parameter in command.params:
        parameter.expose_value = False
        parameter.callback = _keep(parameter.name)
    return command.params


def _keep(name: str) -> Callable[[Any, Any, Any], Any]:
    """Return the callback that keeps a value that was given; the last one wins."""

    def keep(context: Any, _parameter: Any, value: Any) -> Any:
        if value not in (None, False) and not context.resilient_parsing:
            setattr(options(), name, value)
        return value

    return keep


def _parse_actor(text: str) -> "Actor":
    from pydantic import ValidationError

    from models.cases.actors import Actor, Role
    from models.ids import parse_actor_name

    role, name = parse_actor_name(text)
    if not name or role not in set(Role):
        known = "、".join(Role)
        raise typer.BadParameter(f"--as 应为 ROLE:ID，其中 ROLE 为 {known} 之一；得到的是 {text}")
    try:
        return Actor(role=Role(role), id=name)
    except ValidationError as error:
        message = f"--as 中的 ID 只能含字母、数字、下划线和连字符，至多 64 个字符；得到的是 {name}"
        raise typer.BadParameter(message) from error
