"""The commands of the actions, one for each declaration that has a verb."""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import typer
from annotated_types import Ge
from pydantic import AwareDatetime

from cli.commands.case.names import readable
from cli.frame.effects import DryRun, agreed
from cli.frame.options import options
from cli.frame.output import show
from cli.frame.parameters import MOST
from cli.frame.words import CASE, WHEN
from models.cases.actions.declaration import Declaration, Option, Reason
from models.cases.actions.registry import ACTIONS

if TYPE_CHECKING:
    from cli.connections.services import Connections
    from services.cases.requests import Request
    from services.cases.views import CaseView

ALL_YES = "all_yes"
"""The extra flag beside an option that answers point by point."""
DRY_RUN = "dry_run"
"""The extra flag of what moves a date."""


def add_actions(app: typer.Typer) -> None:
    """Add a command for each action that people do."""
    for declared in ACTIONS.values():
        if declared.verb is not None:
            app.command(declared.verb.name, help=declared.verb.help)(_command(declared))


def _command(declared: Declaration[Any]) -> Callable[..., None]:
    """Return the function of an action's command; Typer reads its signature."""

    def command(**given: Any) -> None:  # noqa: ANN401 - what the signature below says
        _act(declared, given)

    wanted = {"case_id": (_CASE_ID, inspect.Parameter.empty), **dict(_parameters(declared))}
    command.__signature__ = inspect.Signature([  # type: ignore[attr-defined] # Python's own name
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
        )
        for name, (annotation, default) in wanted.items()
    ])  # fmt: skip
    command.__annotations__ = {name: annotation for name, (annotation, _) in wanted.items()}
    return command


_CASE_ID = Annotated[str, typer.Argument(metavar="ID", help=CASE)]
_TEXT = Annotated[
    str | None, typer.Option("--reason", "--remarks", help="理由或意见（只存入记录）")
]
_UPDATE_ID = Annotated[
    str | None, typer.Option("--update-id", help="请求编号；重试时用同一个，不会重复办理")
]


def _parameters(declared: Declaration[Any]) -> list[tuple[str, tuple[Any, Any]]]:
    """Return each parameter of an action's command: its name, its annotation, its default."""
    assert declared.verb is not None  # noqa: S101 - asked before
    found: list[tuple[str, tuple[Any, Any]]] = []
    if declared.reason is not Reason.NONE:
        found.append(("text", (_TEXT, None)))
    for field, option in declared.verb.options.items():
        found += _parameter(declared, field, option)
    if declared.verb.extends:
        found.append((DRY_RUN, (DryRun, False)))
    return [*found, ("update_id", (_UPDATE_ID, None))]


def _parameter(
    declared: Declaration[Any], field: str, option: Option
) -> list[tuple[str, tuple[Any, Any]]]:
    """Return how one field of a command is asked for."""
    names = () if option.flag is None else (option.flag,)
    help_ = option.help.format(when=WHEN)
    kind = _kind(declared, field)
    if option.positional:
        argument = typer.Argument(metavar=field.upper(), help=help_)
        return [(field, (Annotated[str, argument], inspect.Parameter.empty))]
    if kind is bool:
        return [(field, (Annotated[bool, typer.Option(*names, help=help_)], False))]
    if kind is int:
        number = typer.Option(*names, min=_least(declared, field), max=MOST, help=help_)
        return [(field, (Annotated[int | None, number], None))]
    if kind is Mapping:
        answers = typer.Option(*names, metavar="POINT=yes|no", help=help_)
        whole = typer.Option("--all-yes", help="全部审核要点均符合")
        return [
            (field, (Annotated[list[str] | None, answers], None)),
            (ALL_YES, (Annotated[bool, whole], False)),
        ]
    return [(field, (Annotated[str | None, typer.Option(*names, help=help_)], None))]


def _least(declared: Declaration[Any], field: str) -> int | None:
    """Return the least value that a command takes in a field of numbers."""
    bounds = declared.command.model_fields[field].metadata
    return next((int(str(each.ge)) for each in bounds if isinstance(each, Ge)), None)


def _kind(declared: Declaration[Any], field: str) -> object:
    """Return the plain type of a command's field: `Due | None` is a datetime."""
    annotation: Any = declared.command.model_fields[field].annotation
    while get_origin(annotation) in (Union, types.UnionType, Annotated):
        annotation = get_args(annotation)[0]
    if annotation is AwareDatetime:  # a class of pydantic's own, and no datetime
        return datetime
    return get_origin(annotation) or annotation


def _act(declared: Declaration[Any], given: Mapping[str, Any]) -> None:
    """Do something to a case, and show it afterwards."""
    from cli.connections.services import connected
    from services.cases.lookup import find_case
    from services.cases.requests import Request

    assert declared.verb is not None  # noqa: S101 - asked before
    update_id = given["update_id"]
    fields = {field: _value(declared, field, given) for field in declared.verb.options}
    known = {} if update_id is None else {"update_id": update_id}
    request = Request(
        given["case_id"], declared.action, fields, options().actor(), given.get("text"), **known
    )
    if declared.verb.extends:
        _extend(request, dry_run=given[DRY_RUN])
        return

    async def work(here: "Connections") -> "CaseView | Mapping[str, Any]":
        case_id = find_case(here.engine, request.case_id)
        return readable(here.engine, await here.service.act(replace(request, case_id=case_id)))

    show(connected(work))


def _extend(request: "Request", *, dry_run: bool) -> None:
    """Move a case's deadline, after showing what that does."""
    from cli.connections.databases import record
    from cli.connections.services import connected
    from services.cases.lookup import find_case
    from services.dates.extensions import Extensions, foresee_case

    with record() as engine:
        named = replace(request, case_id=find_case(engine, request.case_id))
        if not agreed(lambda: foresee_case(engine, named), dry_run=dry_run):
            return

    async def work(here: "Connections") -> "CaseView | Mapping[str, Any]":
        extensions = Extensions(here.engine, here.service)
        return readable(here.engine, await extensions.extend_case(named))

    show(connected(work))


def _value(declared: Declaration[Any], field: str, given: Mapping[str, Any]) -> object:
    """Return a field's value as its command takes it."""
    from cli.frame.moments import parse_moment

    value, kind = given[field], _kind(declared, field)
    if kind is datetime and value is not None:
        return parse_moment(value)
    if kind is Mapping:
        return _answers(given["case_id"], value or [], all_yes=given[ALL_YES])
    return value


def _answers(case_id: str, given: list[str], *, all_yes: bool) -> Mapping[str, bool]:
    """Return the answers to the screening points."""
    from cli.connections.databases import record
    from services.cases.drafts import screening_points
    from services.cases.lookup import find_case

    said = dict(map(_answer, given))
    if not all_yes:
        return said
    with record() as engine:
        return dict.fromkeys(screening_points(engine, find_case(engine, case_id)), True) | said


def _answer(text: str) -> tuple[str, bool]:
    point, equals, value = text.partition("=")
    if not equals or value not in ("yes", "no"):
        raise typer.BadParameter(f"--answer 应为 要点=yes 或 要点=no，得到的是“{text}”")
    return point, value == "yes"
