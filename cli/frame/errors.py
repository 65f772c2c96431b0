"""The one place that turns an error into a message, a code and an exit code."""

import json
import os
import sys
import traceback
from collections.abc import Iterator

from typer import TyperException

from cli.frame.exits import CommandError, Exit
from cli.frame.known_errors import explain_known
from cli.frame.usage import explain_usage
from cli.frame.visible import visible, visible_json
from models.refusals import Refused


def report(error: Exception, *, as_json: bool) -> int:
    """Write an error to stderr and return the exit code."""
    problem = explain(error)
    if as_json:
        text = json.dumps({"code": problem.code, "message": problem.message}, ensure_ascii=False)
    else:
        text = problem.message
        if problem.exit != Exit.USAGE:  # a mistyped line needs no code
            text += f"（{problem.code}）"
    print(visible_json(text) if as_json else visible(text), file=sys.stderr)
    if os.environ.get("TUIXUAN_DEBUG"):
        traceback.print_exception(error)
    return int(problem.exit)


def explain(error: BaseException) -> CommandError:
    """Return what an error means to a person."""
    for known in _causes(error):
        problem = _ours(known) or explain_known(known)
        if problem is not None:
            return problem
    words = f"内部错误：{type(error).__name__}: {error}（设置 TUIXUAN_DEBUG=1 再试可见详情）"
    return CommandError("internal_error", words, Exit.FAILED)


def _ours(error: BaseException) -> CommandError | None:
    if isinstance(error, Refused):
        return CommandError(error.code, error.message, Exit.FAILED)
    if isinstance(error, TyperException):
        return CommandError("usage", explain_usage(error), Exit.USAGE)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, the errors grouped in it, and their causes."""
    yield error
    for inner in getattr(error, "exceptions", ()):
        yield from _causes(inner)
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)
