"""Shows what a moved date would do, and asks before it is moved."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.options import options
from cli.frame.output import confirm, say, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.dates.plan import MovePlan

DryRun = Annotated[bool, typer.Option("--dry-run", help="只显示影响，不作任何更改")]
COLUMNS = {
    "id": "编号",
    "title": "名称",
    "state": "状态",
    "effect": "影响",
    "before": "原期限",
    "after": "新期限",
}


def agreed(foresee: "Callable[[], MovePlan]", *, dry_run: bool) -> bool:
    """Show what a moved date does, and ask where somebody is there; False: it was to be shown only.

    In a pipe, what takes time from nobody goes on unasked. Whoever is asked may take an hour: if
    the move would do something else by then, they are asked anew.

    Args:
        foresee: Returns what it would do now.
        dry_run: Whether to show it only.

    Raises:
        Refused: `confirmation_needed`: it takes time from somebody, and nobody is there to ask;
            `not_confirmed`: the answer is no.
    """
    from services.dates.plan import describe, summary

    plan, asked = foresee(), sys.stdin.isatty()
    if dry_run:
        _show(plan)
        return False
    if plan.dangerous and not (asked or options().yes):
        confirm(summary(plan))
    say(describe(plan))
    while asked:
        confirm("确定这样调整吗？")
        answered, plan = plan, foresee()
        if plan == answered:
            break
        say(f"在此期间情况有变，现在的影响如下。{describe(plan)}")
    return True


def _show(plan: "MovePlan") -> None:
    """Show a plan that is not carried out: JSON whole, else its cases, and the rest in words."""
    from services.dates.plan import describe

    if options().json:
        show(plan)
    else:
        show(list(plan.cases), COLUMNS)
    say(describe(plan))
    say("以上为试算，未作任何更改。")
